"""The ledger of deliveries: targets, runs, confirmed records, intents, rejects, calls, budget, erasures."""

import sqlalchemy as sa
from alembic import op

from governance.state.base import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    _targets()
    _records()
    _history()


def _targets() -> None:
    op.create_table(
        "sync_targets",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("holder", sa.String()),
        sa.Column("lease", sa.String()),
        sa.Column("lease_until", UtcTime()),
        sa.Column("paused_until", UtcTime()),
        sa.Column("pause_reason", sa.String()),
        sa.PrimaryKeyConstraint("target", name="pk_sync_targets"),
    )
    op.create_table(
        "sync_runs",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime()),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String()),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("planned", "acknowledged", "refused", "retry", "left", "unchanged", "calls")
        ),
        sa.PrimaryKeyConstraint("run_id", name="pk_sync_runs"),
    )
    op.create_index("ix_sync_runs_target_started_at", "sync_runs", ["target", "started_at"])
    op.create_table(
        "sync_budget",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("target", "day", name="pk_sync_budget"),
    )


def _records() -> None:
    op.create_table(
        "sync_records",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("payload", sa.Text()),
        sa.Column("remote_id", sa.String()),
        sa.Column("remote_version", sa.String()),
        sa.Column("acknowledged_at", UtcTime(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("target", "key", name="pk_sync_records"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sync_intents",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in (
                "tenant", "source", "action", "digest", "idempotency_key", "payload_sha256", "state",
            )
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", UtcTime()),
        sa.Column("code", sa.String()),
        sa.Column("reason", sa.String()),
        sa.Column("first_at", UtcTime(), nullable=False),
        sa.Column("last_at", UtcTime(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("target", "key", name="pk_sync_intents"),
        sqlite_with_rowid=False,
    )  # fmt: skip


def _history() -> None:
    op.create_table(
        "sync_rejects",
        sa.Column("reject_id", SERIAL, nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("run_id", "target", "key", "tenant", "source", "action", "digest", "code", "reason")
        ),
        sa.Column("permanent", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("settled_at", UtcTime()),
        sa.PrimaryKeyConstraint("reject_id", name="pk_sync_rejects"),
    )
    op.create_index("ix_sync_rejects_target_key", "sync_rejects", ["target", "key"])
    op.create_table(
        "sync_calls",
        sa.Column("call_id", SERIAL, nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("run_id", "target", "step", "verdict", "code", "reason")
        ),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_sync_calls"),
    )
    op.create_index("ix_sync_calls_run_id", "sync_calls", ["run_id"])
    op.create_table(
        "sync_erasures",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("learner_key", sa.String(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("requested_at", UtcTime(), nullable=False),
        sa.Column("confirmed_at", UtcTime()),
        sa.PrimaryKeyConstraint("target", "tenant", "learner_key", name="pk_sync_erasures"),
    )


def downgrade() -> None:
    """Remove them; what other systems have confirmed is then unknown and is asked for record by record."""
    for name in (
        "sync_erasures", "sync_calls", "sync_rejects", "sync_intents", "sync_records", "sync_budget", "sync_runs",
        "sync_targets",
    ):  # fmt: skip
        op.drop_table(name)
