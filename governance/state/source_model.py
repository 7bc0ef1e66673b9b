"""What sources call their people, so that a record whose owner nobody knows can be told by name."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base, UtcTime


class SourcePersonRow(Base):
    """One row per value that named a person in a source's record; the lake has only its keyed digest."""

    __tablename__ = "source_people"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(primary_key=True)
    connector: Mapped[str]
    match: Mapped[str]
    value: Mapped[str]
    seen_at: Mapped[datetime] = mapped_column(UtcTime)
