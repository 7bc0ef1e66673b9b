"""What was read from where, and which lines were refused."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base, UtcTime


class BatchRow(Base):
    """One row per ingested file or drain; the counts are null until it is closed."""

    __tablename__ = "ingest_batches"

    batch_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    source: Mapped[str]
    sha256: Mapped[str | None]
    tenant: Mapped[str | None]
    opened_at: Mapped[datetime] = mapped_column(UtcTime)
    read: Mapped[int | None]
    accepted: Mapped[int | None]
    repeated: Mapped[int | None]
    refused: Mapped[int | None]
    withheld: Mapped[int | None]


class RejectRow(Base):
    """One row per refused line and broken rule; never the body."""

    __tablename__ = "ingest_rejects"
    __table_args__ = (Index(None, "batch_id"),)

    reject_id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("ingest_batches.batch_id", ondelete="CASCADE"))
    line: Mapped[int | None]
    rule: Mapped[str]
    reason: Mapped[str]
