"""The raw layer as Dagster sees it. Landing itself is plain code beside this module.

``raw/deliveries`` and ``raw/crm_records`` are assets: draining the inbox and reading connectors is work that a run
does. ``raw/bundles`` and ``raw/outcomes`` are external assets: files are landed by whoever has them (``rolecall
ingest``), at any time and for any set of days at once, with the report that this person needs; a run has nothing to
do there, it only reads.
"""

from datetime import UTC, datetime

import dagster as dg

from assets.contracts import TABLES
from assets.core import reported
from assets.metadata import column_schema, tags
from assets.partitions import DAILY, WRITER_POOL, days_of
from assets.raw import connecting, deliveries
from assets.resources import Workspace


def _external(path: str) -> dg.AssetSpec:
    table = TABLES[path]
    return dg.AssetSpec(
        key=path.split("/"),
        group_name=table.layer,
        kinds={"duckdb", "parquet"},
        partitions_def=DAILY,
        description=f"{table.grain.capitalize()}. Written by `rolecall ingest`.",
        metadata={"dagster/column_schema": column_schema(table)},
    )


BUNDLES = _external("raw/bundles")
OUTCOMES = _external("raw/outcomes")


@dg.asset(
    key=["raw", "deliveries"],
    group_name="raw",
    kinds={"duckdb", "parquet"},
    tags=tags(TABLES["raw/deliveries"]),
    metadata={"dagster/column_schema": column_schema(TABLES["raw/deliveries"])},
    partitions_def=DAILY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool=WRITER_POOL,
    retry_policy=dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL),
    code_version="1",
)
def raw_deliveries(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult:
    """One row per accepted engine delivery, in the day its session started.

    Everything that waits in the inbox is drained, whatever the run's days: a delivery belongs to the day of its
    session, which is only known once it is read. Nothing waiting is the usual case and costs nothing.
    """
    landing = deliveries.drain(workspace.lake(), workspace.state())
    return dg.MaterializeResult(
        metadata={
            "drained": landing.accepted,
            "repeated": landing.repeated,
            "days_changed": len(landing.days),
            "days": len(days_of(context)),
        }
    )


@dg.asset(
    key=["raw", "crm_records"],
    group_name="raw",
    kinds={"duckdb", "parquet"},
    tags=tags(TABLES["raw/crm_records"]),
    metadata={"dagster/column_schema": column_schema(TABLES["raw/crm_records"])},
    pool=WRITER_POOL,
    code_version="1",
)
def raw_crm_records(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult:
    """One row per version of a connector's record: every connector that is switched on is read from its cursor.

    Outcomes are derived at once; days whose outcomes changed are stale then. A connector that does not answer holds
    up no other, and fails the step at the end.
    """
    state, lake, config = workspace.state(), workspace.lake(), workspace.settings().config
    done = connecting.read_all(config, lake=lake, state=state, identities=workspace.identities(state))
    changed = reported.refresh(lake, connecting.feeds(config), workspace.identities(state), datetime.now(UTC))
    told = {name: connecting.figures(outcome) for name, outcome in done.items()}
    failed = {name: outcome for name, outcome in done.items() if isinstance(outcome, Exception)}
    if failed:
        raise dg.Failure(
            "; ".join(str(error) for error in failed.values()), metadata={"connectors": dg.MetadataValue.json(told)}
        )
    return dg.MaterializeResult(
        metadata={"connectors": dg.MetadataValue.json(told), "days_of_outcomes_changed": len(changed)}
    )
