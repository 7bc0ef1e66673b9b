"""Legal holds and erasures."""

import sqlalchemy as sa
from alembic import op

from governance.state.base import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "legal_holds",
        sa.Column("hold_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("learner_key", sa.String()),
        sa.Column("scenario_id", sa.String()),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("placed_by", sa.String(), nullable=False),
        sa.Column("placed_at", UtcTime(), nullable=False),
        sa.Column("released_by", sa.String()),
        sa.Column("released_at", UtcTime()),
        sa.PrimaryKeyConstraint("hold_id", name="pk_legal_holds"),
    )
    op.create_index("ix_legal_holds_tenant", "legal_holds", ["tenant"])
    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=False),
        sa.Column("finished_at", UtcTime()),
        sa.Column("retention_version", sa.String(), nullable=False),
        sa.Column("decided", sa.JSON(), nullable=False),
        sa.Column("removed", sa.JSON()),
        sa.PrimaryKeyConstraint("erasure_id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_tenant", "erasures", ["tenant"])
    op.create_table(
        "erased",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("erasure_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_erased"),
    )


def downgrade() -> None:
    """Remove them; holds and the record of what was erased are lost with them."""
    for table in ("erased", "erasures", "legal_holds"):
        op.drop_table(table)
