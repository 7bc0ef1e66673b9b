"""The ledger of deliveries to other systems: what was acknowledged, what is under way, what was refused and why."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Double, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base, UtcTime

COMPACT = {"sqlite_with_rowid": False}  # a million keys are then stored once, not in table and index


class SyncTargetRow(Base):
    """One row per target: ``connector`` or ``connector/stream``; who delivers to it now, and until when it pauses."""

    __tablename__ = "sync_targets"

    target: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    holder: Mapped[str | None]
    lease: Mapped[str | None]
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    paused_until: Mapped[datetime | None] = mapped_column(UtcTime)
    pause_reason: Mapped[str | None]


class SyncRunRow(Base):
    """One row per delivery run of a target; ``planned`` = the four counts after it once it has ended."""

    __tablename__ = "sync_runs"
    __table_args__ = (Index(None, "target", "started_at"),)

    run_id: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    status: Mapped[str]
    reason: Mapped[str | None]
    planned: Mapped[int]
    acknowledged: Mapped[int]
    refused: Mapped[int]
    retry: Mapped[int]
    left: Mapped[int]
    unchanged: Mapped[int]
    calls: Mapped[int]


class SyncRecordRow(Base):
    """One row per record that the target has confirmed: the digest of the state it confirmed."""

    __tablename__ = "sync_records"
    __table_args__ = (COMPACT,)

    target: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    digest: Mapped[str]
    payload: Mapped[str | None] = mapped_column(Text)
    remote_id: Mapped[str | None]
    remote_version: Mapped[str | None]
    acknowledged_at: Mapped[datetime] = mapped_column(UtcTime)
    run_id: Mapped[str]


class SyncIntentRow(Base):
    """One row per record that was about to be sent and is not confirmed: ``open``, ``retry`` or ``refused``.

    It is written before the call. ``payload_sha256`` is that of the frozen bytes.
    """

    __tablename__ = "sync_intents"
    __table_args__ = (COMPACT,)

    target: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    source: Mapped[str]
    action: Mapped[str]
    digest: Mapped[str]
    idempotency_key: Mapped[str]
    payload_sha256: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int]
    next_try_at: Mapped[datetime | None] = mapped_column(UtcTime)
    code: Mapped[str | None]
    reason: Mapped[str | None]
    first_at: Mapped[datetime] = mapped_column(UtcTime)
    last_at: Mapped[datetime] = mapped_column(UtcTime)
    run_id: Mapped[str]


class SyncRejectRow(Base):
    """One row per refusal of a record, kept; ``settled_at`` tells when a later attempt was confirmed."""

    __tablename__ = "sync_rejects"
    __table_args__ = (Index(None, "target", "key"),)

    reject_id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    run_id: Mapped[str]
    target: Mapped[str]
    key: Mapped[str]
    tenant: Mapped[str]
    source: Mapped[str]
    action: Mapped[str]
    digest: Mapped[str]
    code: Mapped[str]
    reason: Mapped[str]
    permanent: Mapped[bool]
    attempt: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcTime)


class SyncCallRow(Base):
    """One row per call to a target, with what came of it."""

    __tablename__ = "sync_calls"
    __table_args__ = (Index(None, "run_id"),)

    call_id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    run_id: Mapped[str]
    target: Mapped[str]
    step: Mapped[str]
    records: Mapped[int]
    verdict: Mapped[str]
    code: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcTime)
    seconds: Mapped[float] = mapped_column(Double)


class SyncBudgetRow(Base):
    """One row per target and UTC day: what of the daily budget is spent."""

    __tablename__ = "sync_budget"

    target: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    calls: Mapped[int]
    records: Mapped[int]


class SyncErasureRow(Base):
    """One row per target and learner whose hard deletion was asked for; ``state`` is ``requested`` or ``confirmed``.

    Voiding is not erasure: the target's operator deletes, and whoever asked notes that it was done.
    """

    __tablename__ = "sync_erasures"

    target: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    learner_key: Mapped[str] = mapped_column(primary_key=True)
    records: Mapped[int]
    state: Mapped[str]
    reason: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(UtcTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcTime)
