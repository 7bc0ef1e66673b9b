"""Which day's partition holds a session."""

from datetime import date

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base


class SessionDayRow(Base):
    """One row per tenant and session that has raw deliveries."""

    __tablename__ = "session_days"
    __table_args__ = (Index(None, "day"),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date]
