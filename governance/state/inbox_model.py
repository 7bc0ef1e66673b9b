"""Engine deliveries on their way to the lake, and which conversations were pulled again."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base, UtcTime

ENDED = "system.shutdown"  # the event that ends a session, under its canonical name


class InboxRecord(Base):
    """One row per distinct engine delivery.

    ``body`` is what the gate left, NULL once it has been in the lake for a while; ``dropped`` counts
    withheld fields by signal class, as JSON; ``repeats`` says how often the same delivery came again.
    """

    __tablename__ = "inbox"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    tenant: Mapped[str]
    session_id: Mapped[str]
    event_key: Mapped[str]
    channel: Mapped[str]
    event_type: Mapped[str]
    known: Mapped[bool]
    engine_at: Mapped[datetime | None] = mapped_column(UtcTime)
    received_at: Mapped[datetime] = mapped_column(UtcTime)
    body: Mapped[str | None] = mapped_column(Text)
    policy_version: Mapped[str]
    dropped: Mapped[str] = mapped_column(Text)
    repeats: Mapped[int]
    drained_at: Mapped[datetime | None] = mapped_column(UtcTime)

    __table_args__ = (UniqueConstraint("tenant", "event_key"),)


# Partial: keys stay for a year after the body, and no reader ever scans drained rows.
Index(
    "ix_inbox_waiting",
    InboxRecord.id,
    sqlite_where=InboxRecord.drained_at.is_(None),
    postgresql_where=InboxRecord.drained_at.is_(None),
)
Index("ix_inbox_session_id", InboxRecord.session_id)
Index(
    "ix_inbox_ended",
    InboxRecord.received_at,
    sqlite_where=InboxRecord.event_type == ENDED,
    postgresql_where=InboxRecord.event_type == ENDED,
)


class PullRow(Base):
    """One row per conversation that the reconciling pull has looked at.

    ``pulls`` counts the requests since the last one that brought something new; ``outcome`` is
    ``complete``, ``partial``, ``gone`` or ``failed``, and the first and third of these end the asking.
    """

    __tablename__ = "pulls"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(primary_key=True)
    pulls: Mapped[int]
    pulled_at: Mapped[datetime | None] = mapped_column(UtcTime)
    outcome: Mapped[str]
