"""Rubric versions that scores refer to; their text may not change any more."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base, UtcTime


class RubricRow(Base):
    """One row per rubric version in use, with the digest it had when first used."""

    __tablename__ = "rubrics_used"

    rubric_id: Mapped[str] = mapped_column(primary_key=True)
    rubric_version: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    first_used_at: Mapped[datetime] = mapped_column(UtcTime)
