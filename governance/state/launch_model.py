"""Which learner started which session: the engine itself does not know."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base, UtcTime


class LaunchRow(Base):
    """One row per tenant and session, as last registered.

    ``change`` is the number of the registration that last altered the row, so that a reader can ask for
    what is new since it last looked.
    """

    __tablename__ = "launches"
    __table_args__ = (Index(None, "session_id"), Index(None, "change"))

    tenant: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(primary_key=True)
    learner_key: Mapped[str | None]
    scenario_id: Mapped[str | None]
    scenario_version: Mapped[str | None]
    attempt: Mapped[int | None]
    assigned: Mapped[bool | None]
    region: Mapped[str | None]
    jurisdiction: Mapped[str | None]
    language: Mapped[str | None]
    notice_ref: Mapped[str | None]
    launched_at: Mapped[datetime] = mapped_column(UtcTime)
    received_at: Mapped[datetime] = mapped_column(UtcTime)
    change: Mapped[int]
