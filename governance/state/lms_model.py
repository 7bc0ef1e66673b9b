"""What an LMS needs of us: packages and their tokens, who is who there, and the results that were issued."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from governance.state.base import Base, UtcTime


class PackageTokenRow(Base):
    """One row per issue of the token of a destination's scenario; the token itself is derived, never stored."""

    __tablename__ = "package_tokens"

    destination: Mapped[str] = mapped_column(primary_key=True)
    scenario_id: Mapped[str] = mapped_column(primary_key=True)
    issue: Mapped[int] = mapped_column(primary_key=True)
    issued_at: Mapped[datetime] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    reason: Mapped[str | None]


class PackageExportRow(Base):
    """One row per package that was built, by its content; LMSs report the SHA-1 of what was uploaded."""

    __tablename__ = "package_exports"
    __table_args__ = (Index(None, "sha1"),)

    sha256: Mapped[str] = mapped_column(primary_key=True)
    sha1: Mapped[str]
    tenant: Mapped[str]
    destination: Mapped[str]
    scenario_id: Mapped[str]
    scenario_version: Mapped[str]
    edition: Mapped[str]
    token_issue: Mapped[int]
    file_name: Mapped[str]
    size_bytes: Mapped[int]
    built_at: Mapped[datetime] = mapped_column(UtcTime)


class LmsIdentityRow(Base):
    """One row per id that an LMS gives a learner; ``binding`` counts up when somebody else takes the id over."""

    __tablename__ = "lms_identities"
    __table_args__ = (Index(None, "tenant", "learner_key"),)

    destination: Mapped[str] = mapped_column(primary_key=True)
    scheme: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    learner_key: Mapped[str]
    binding: Mapped[int]
    source: Mapped[str]
    valid_from: Mapped[datetime] = mapped_column(UtcTime)
    valid_to: Mapped[datetime | None] = mapped_column(UtcTime)


class ClaimCodeRow(Base):
    """One row per personal code, as its keyed digest; ``external_id`` is the first id that used it."""

    __tablename__ = "claim_codes"

    digest: Mapped[str] = mapped_column(primary_key=True)
    destination: Mapped[str]
    tenant: Mapped[str]
    learner_key: Mapped[str]
    issued_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    external_id: Mapped[str | None]
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)


class LmsResultRow(Base):
    """One row per result that was released to an LMS: the frozen JWS and what it says."""

    __tablename__ = "lms_results"
    __table_args__ = (Index(None, "destination", "external_id"),)

    result_id: Mapped[str] = mapped_column(primary_key=True)
    destination: Mapped[str]
    tenant: Mapped[str]
    learner_key: Mapped[str]
    external_id: Mapped[str]
    session_id: Mapped[str]
    scenario_id: Mapped[str]
    scaled: Mapped[float]
    status: Mapped[str]
    signature: Mapped[str]
    jws: Mapped[str]
    issued_at: Mapped[datetime] = mapped_column(UtcTime)
