"""The audit chain."""

import sqlalchemy as sa
from alembic import op

from governance.state.base import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "audit_events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("tenant", sa.String()),
        sa.Column("once", sa.String()),
        sa.Column("actor", sa.String()),
        sa.Column("object", sa.String()),
        sa.Column("learner_key", sa.String()),
        sa.Column("body", sa.Text()),
        sa.Column("salt", sa.String()),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_action_at", "audit_events", ["action", "at"])
    op.create_index("ix_audit_events_tenant_learner_key", "audit_events", ["tenant", "learner_key"])
    op.create_index("ix_audit_events_object", "audit_events", ["object"])
    op.create_index("uq_audit_events_once", "audit_events", ["once"], unique=True)


def downgrade() -> None:
    """Remove the chain; what it proved can be proved no longer, so keep a copy of it first."""
    op.drop_table("audit_events")
