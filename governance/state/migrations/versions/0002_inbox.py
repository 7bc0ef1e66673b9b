"""The inbox of engine deliveries and the register of reconciling pulls."""

import sqlalchemy as sa
from alembic import op

from governance.state.base import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("event_key", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("engine_at", UtcTime()),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("body", sa.Text()),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("dropped", sa.Text(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("drained_at", UtcTime()),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.UniqueConstraint("tenant", "event_key", name="uq_inbox_tenant_event_key"),
    )
    waiting = sa.text("drained_at IS NULL")
    op.create_index("ix_inbox_waiting", "inbox", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("ix_inbox_session_id", "inbox", ["session_id"])
    ended = sa.text("event_type = 'system.shutdown'")
    op.create_index("ix_inbox_ended", "inbox", ["received_at"], sqlite_where=ended, postgresql_where=ended)
    op.create_table(
        "pulls",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("pulls", sa.Integer(), nullable=False),
        sa.Column("pulled_at", UtcTime()),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "session_id", name="pk_pulls"),
    )


def downgrade() -> None:
    """Remove both; deliveries that have not reached the lake would be lost, so drain first."""
    op.drop_table("pulls")
    op.drop_table("inbox")
