"""The daily asset of xAPI statements: thin, around ``assets.exports.statements``."""

import dagster as dg

from assets.automation import FOLLOW_CHECKED_DAY
from assets.contracts import XAPI_STATEMENTS
from assets.exports.gather import DAY_TABLES
from assets.exports.statements import CODE_VERSION, issue_days, utc_now
from assets.metadata import column_schema, tags
from assets.partitions import DAILY, WRITER_POOL, days_of
from assets.resources import Workspace


@dg.asset(
    key=["exports", "xapi_statements"],
    group_name="exports",
    deps=[*(["core", name] for name in DAY_TABLES), ["core", "learners"]],
    partitions_def=DAILY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=FOLLOW_CHECKED_DAY,
    pool=WRITER_POOL,
    kinds={"duckdb", "parquet", "xapi"},
    tags=tags(XAPI_STATEMENTS),
    code_version=CODE_VERSION,
    metadata={"dagster/column_schema": column_schema(XAPI_STATEMENTS)},
)
def xapi_statements(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult:
    """Statements of attributed sessions that are no test; frozen once issued, voided where they no longer hold."""
    issue = issue_days(
        workspace.lake(),
        days_of(context),
        catalog=workspace.catalog(),
        pseudonym=workspace.identities(workspace.state()).key,
        now=utc_now(),
    )
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": issue.rows,
            "new": issue.new,
            "voided": issue.voided,
            "days": len(issue.days),
        }
    )
