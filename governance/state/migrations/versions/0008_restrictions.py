"""Restrictions of processing."""

import sqlalchemy as sa
from alembic import op

from governance.state.base import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "restrictions",
        sa.Column("restriction_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("learner_key", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("placed_by", sa.String(), nullable=False),
        sa.Column("placed_at", UtcTime(), nullable=False),
        sa.Column("lifted_by", sa.String()),
        sa.Column("lifted_at", UtcTime()),
        sa.PrimaryKeyConstraint("restriction_id", name="pk_restrictions"),
    )
    op.create_index("ix_restrictions_tenant", "restrictions", ["tenant"])


def downgrade() -> None:
    """Remove it; who was frozen is lost with it."""
    op.drop_table("restrictions")
