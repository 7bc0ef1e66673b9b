"""The audit chain: the one table that is only ever added to."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base, UtcTime


class AuditRow(Base):
    """One row per event.

    ``hash`` covers sequence, time, action, tenant, ``once``, ``commitment`` and the hash before. The commitment
    covers, under ``salt``, what may be about a person: actor, object, learner key and body. An erasure empties
    those and the salt; the chain stays valid. ``once`` keeps an event from being recorded twice.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "action", "at"),
        Index(None, "tenant", "learner_key"),
        Index(None, "object"),
        Index("uq_audit_events_once", "once", unique=True),
    )

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime] = mapped_column(UtcTime)
    action: Mapped[str]
    tenant: Mapped[str | None]
    once: Mapped[str | None]
    actor: Mapped[str | None]
    object: Mapped[str | None]
    learner_key: Mapped[str | None]
    body: Mapped[str | None] = mapped_column(Text)
    salt: Mapped[str | None]
    commitment: Mapped[str]
    prev_hash: Mapped[str]
    hash: Mapped[str]
