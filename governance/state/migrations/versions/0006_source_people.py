"""What sources call their people."""

import sqlalchemy as sa
from alembic import op

from governance.state.base import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "source_people",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("match", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "token", name="pk_source_people"),
    )


def downgrade() -> None:
    """Remove it; the next full read of each connector fills it again."""
    op.drop_table("source_people")
