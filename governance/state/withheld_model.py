"""How much the gate withheld: counts alone, never a value or its digest."""

from datetime import date

from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base


class WithheldRow(Base):
    """One row per tenant, UTC day of receipt, jurisdiction, signal class and policy version."""

    __tablename__ = "withheld"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    jurisdiction: Mapped[str] = mapped_column(primary_key=True)
    signal_class: Mapped[str] = mapped_column(primary_key=True)
    policy_version: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
