"""The inbox table: one row per distinct engine delivery, kept until it has reached the lake."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

METADATA = sa.MetaData()


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no zone, so it is taken off on the way in and put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a naive time: it would be read back as another moment."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time has no place in the state database")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


INBOX = sa.Table(
    "inbox",
    METADATA,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("tenant", sa.String(200), nullable=False),
    sa.Column("session_id", sa.String(300), nullable=False),
    sa.Column("event_key", sa.String(64), nullable=False),
    sa.Column("channel", sa.String(20), nullable=False),
    sa.Column("event_type", sa.String(200), nullable=False),
    sa.Column("known", sa.Boolean, nullable=False),
    sa.Column("engine_at", UtcTime),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("body", sa.Text, comment="After the gate; NULL once it has reached the lake and its retention is over"),
    sa.Column("policy_version", sa.String(100), nullable=False),
    sa.Column("dropped", sa.Text, nullable=False, comment="Withheld fields by signal class, as JSON"),
    sa.Column("repeats", sa.Integer, nullable=False, comment="How often the same delivery came again"),
    sa.Column("drained_at", UtcTime, comment="When raw/deliveries had it on disk"),
    sa.UniqueConstraint("tenant", "event_key", name="uq_inbox_tenant_event_key"),
)

# Partial: the inbox keeps the keys of drained rows for a year, and nobody ever scans those.
sa.Index(
    "ix_inbox_waiting",
    INBOX.c.id,
    sqlite_where=INBOX.c.drained_at.is_(None),
    postgresql_where=INBOX.c.drained_at.is_(None),
)
