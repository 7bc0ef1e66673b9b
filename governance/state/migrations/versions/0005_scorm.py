"""Package tokens and exports, identities in LMSs, personal codes, results released to LMSs."""

import sqlalchemy as sa
from alembic import op

from governance.state.base import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _packages()
    _people()
    op.create_table(
        "lms_results",
        sa.Column("result_id", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("learner_key", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("scenario_id", sa.String(), nullable=False),
        sa.Column("scaled", sa.Double(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("signature", sa.String(), nullable=False),
        sa.Column("jws", sa.String(), nullable=False),
        sa.Column("issued_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("result_id", name="pk_lms_results"),
    )
    op.create_index("ix_lms_results_destination_external_id", "lms_results", ["destination", "external_id"])


def _packages() -> None:
    op.create_table(
        "package_tokens",
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("scenario_id", sa.String(), nullable=False),
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("issued_at", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime()),
        sa.Column("reason", sa.String()),
        sa.PrimaryKeyConstraint("destination", "scenario_id", "issue", name="pk_package_tokens"),
    )
    op.create_table(
        "package_exports",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("sha1", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("scenario_id", sa.String(), nullable=False),
        sa.Column("scenario_version", sa.String(), nullable=False),
        sa.Column("edition", sa.String(), nullable=False),
        sa.Column("token_issue", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("built_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_package_exports"),
    )
    op.create_index("ix_package_exports_sha1", "package_exports", ["sha1"])


def _people() -> None:
    op.create_table(
        "lms_identities",
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("scheme", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("learner_key", sa.String(), nullable=False),
        sa.Column("binding", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("valid_from", UtcTime(), nullable=False),
        sa.Column("valid_to", UtcTime()),
        sa.PrimaryKeyConstraint("destination", "scheme", "external_id", name="pk_lms_identities"),
    )
    op.create_index("ix_lms_identities_tenant_learner_key", "lms_identities", ["tenant", "learner_key"])
    op.create_table(
        "claim_codes",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("learner_key", sa.String(), nullable=False),
        sa.Column("issued_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("external_id", sa.String()),
        sa.Column("revoked_at", UtcTime()),
        sa.PrimaryKeyConstraint("digest", name="pk_claim_codes"),
    )


def downgrade() -> None:
    """Remove them; packages in the field stop working."""
    for name in ("lms_results", "claim_codes", "lms_identities", "package_exports", "package_tokens"):
        op.drop_table(name)
