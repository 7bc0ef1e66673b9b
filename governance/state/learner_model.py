"""Who a learner key stands for: the only place where a name is kept."""

from datetime import date
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base


class IdentityRow(Base):
    """One row per tenant and learner."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("tenant", "learner_id"),)

    tenant: Mapped[str] = mapped_column(primary_key=True)
    learner_key: Mapped[str] = mapped_column(primary_key=True)
    learner_id: Mapped[str]
    name: Mapped[str | None]
    email: Mapped[str | None]
    region: Mapped[str | None]
    jurisdiction: Mapped[str | None]
    role: Mapped[str | None]
    manager_id: Mapped[str | None]
    hire_date: Mapped[date | None]
    left_on: Mapped[date | None]
    accounts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    in_directory: Mapped[bool]
