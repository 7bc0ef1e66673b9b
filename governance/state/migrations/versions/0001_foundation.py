"""Identities, launches, ingest batches, withheld counters, rubrics in use, session days and media probes."""

import sqlalchemy as sa
from alembic import op

from governance.state.base import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    _people()
    _batches()
    _registers()


def _people() -> None:
    op.create_table(
        "identities",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("learner_key", sa.String(), nullable=False),
        sa.Column("learner_id", sa.String(), nullable=False),
        sa.Column("name", sa.String()),
        sa.Column("email", sa.String()),
        sa.Column("region", sa.String()),
        sa.Column("jurisdiction", sa.String()),
        sa.Column("role", sa.String()),
        sa.Column("manager_id", sa.String()),
        sa.Column("hire_date", sa.Date()),
        sa.Column("left_on", sa.Date()),
        sa.Column("accounts", sa.JSON()),
        sa.Column("in_directory", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "learner_key", name="pk_identities"),
        sa.UniqueConstraint("tenant", "learner_id", name="uq_identities_tenant_learner_id"),
    )
    op.create_table(
        "launches",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("learner_key", sa.String()),
        sa.Column("scenario_id", sa.String()),
        sa.Column("scenario_version", sa.String()),
        sa.Column("attempt", sa.Integer()),
        sa.Column("assigned", sa.Boolean()),
        sa.Column("region", sa.String()),
        sa.Column("jurisdiction", sa.String()),
        sa.Column("language", sa.String()),
        sa.Column("notice_ref", sa.String()),
        sa.Column("launched_at", UtcTime(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "session_id", name="pk_launches"),
    )
    op.create_index("ix_launches_session_id", "launches", ["session_id"])
    op.create_index("ix_launches_change", "launches", ["change"])


def _batches() -> None:
    op.create_table(
        "ingest_batches",
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("sha256", sa.String()),
        sa.Column("tenant", sa.String()),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("read", sa.Integer()),
        sa.Column("accepted", sa.Integer()),
        sa.Column("repeated", sa.Integer()),
        sa.Column("refused", sa.Integer()),
        sa.Column("withheld", sa.Integer()),
        sa.PrimaryKeyConstraint("batch_id", name="pk_ingest_batches"),
    )
    op.create_table(
        "ingest_rejects",
        sa.Column("reject_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("line", sa.Integer()),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("reject_id", name="pk_ingest_rejects"),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["ingest_batches.batch_id"],
            name="fk_ingest_rejects_batch_id_ingest_batches",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_ingest_rejects_batch_id", "ingest_rejects", ["batch_id"])


def _registers() -> None:
    op.create_table(
        "withheld",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=False),
        sa.Column("signal_class", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "day", "jurisdiction", "signal_class", "policy_version", name="pk_withheld"),
    )
    op.create_table(
        "rubrics_used",
        sa.Column("rubric_id", sa.String(), nullable=False),
        sa.Column("rubric_version", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("first_used_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("rubric_id", "rubric_version", name="pk_rubrics_used"),
    )
    op.create_table(
        "session_days",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "session_id", name="pk_session_days"),
    )
    op.create_index("ix_session_days_day", "session_days", ["day"])
    op.create_table(
        "media_probes",
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("stamp", sa.String(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("probed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("uri", name="pk_media_probes"),
    )
