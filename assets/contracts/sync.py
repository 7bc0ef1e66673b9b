"""What the ledger of deliveries says, as readers see it: one row a target, and every refusal that stands."""

from assets.contracts.table import Table, column, must

TENANT = must("tenant", "varchar", "Customer")
TARGET = must("target", "varchar", "Connector, or connector/stream, that is delivered to")

SYNC_HEALTH = Table(
    layer="marts",
    name="sync_health",
    grain="one row per target that records of the tenant go to",
    key=("tenant", "target"),
    columns=(
        TENANT,
        TARGET,
        must("kind", "varchar", "lrs, lms or crm"),
        must("acknowledged", "bigint", "Records that the target confirmed"),
        must("waiting", "bigint", "Records refused for now, with a next try"),
        must("refused", "bigint", "Records refused for good; sync_rejects has the reasons"),
        must("unknown", "bigint", "Records sent whose answer was lost; the next run reads them back"),
        must("erasures_open", "bigint", "Learners whose hard deletion was asked for and is not confirmed"),
        column("last_acknowledged_at", "timestamptz", "When the newest record was confirmed"),
        column("oldest_waiting_at", "timestamptz", "First try of the oldest record that is not confirmed"),
        column("last_run_at", "timestamptz", "Start of the target's last run"),
        column("last_run_status", "varchar", "running, done, stopped or failed"),
        column("last_run_reason", "varchar", "Why it stopped or failed"),
        column("last_done_at", "timestamptz", "End of the last run that came to the end of its plan"),
        column("paused_until", "timestamptz", "Until when the target asked to be left alone"),
    ),
    partitioned=False,
)

SYNC_REJECTS = Table(
    layer="marts",
    name="sync_rejects",
    grain="one row per refusal of a record whose last attempt was not confirmed",
    key=("tenant", "target", "record_key", "attempt", "refused_at"),
    columns=(
        TENANT,
        TARGET,
        must("record_key", "varchar", "The record's key at the target: statement id, learner key, …"),
        must("source", "varchar", "Where the record came from"),
        must("action", "varchar", "create, update or remove"),
        must("code", "varchar", "The target's code or ours"),
        must("reason", "varchar", "What the target said"),
        must("permanent", "boolean", "Not sent again until the record changes or somebody asks for it"),
        must("attempt", "integer", "Number of the try, from 1"),
        must("refused_at", "timestamptz", "When"),
    ),
    partitioned=False,
)

SYNC_TABLES = (SYNC_HEALTH, SYNC_REJECTS)
