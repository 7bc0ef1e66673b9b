"""Legal holds, restrictions, and what was erased: enough to prove it and to keep it from coming back, and no more."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base, UtcTime


class LegalHoldRow(Base):
    """One row per hold; it covers a learner, a scenario, or a learner's sessions of a scenario."""

    __tablename__ = "legal_holds"
    __table_args__ = (Index(None, "tenant"),)

    hold_id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    learner_key: Mapped[str | None]
    scenario_id: Mapped[str | None]
    reason: Mapped[str]
    placed_by: Mapped[str]
    placed_at: Mapped[datetime] = mapped_column(UtcTime)
    released_by: Mapped[str | None]
    released_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RestrictionRow(Base):
    """One row per learner who was frozen, standing until it is lifted."""

    __tablename__ = "restrictions"
    __table_args__ = (Index(None, "tenant"),)

    restriction_id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    learner_key: Mapped[str]
    basis: Mapped[str]
    placed_by: Mapped[str]
    placed_at: Mapped[datetime] = mapped_column(UtcTime)
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[datetime | None] = mapped_column(UtcTime)


class ErasureRow(Base):
    """One row per request or expiry that was carried out. ``decided`` counts sessions by fate and basis."""

    __tablename__ = "erasures"
    __table_args__ = (Index(None, "tenant"),)

    erasure_id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    requested_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    retention_version: Mapped[str]
    decided: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    removed: Mapped[dict[str, int] | None] = mapped_column(JSON)


class ErasedRow(Base):
    """One row per erased session or learner, as a digest: what comes in under it again is refused."""

    __tablename__ = "erased"

    token: Mapped[str] = mapped_column(primary_key=True)
    erasure_id: Mapped[str]
