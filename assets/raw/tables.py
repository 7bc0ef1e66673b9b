"""The raw layer as Dagster sees it. Landing itself is plain code beside this module.

``raw/deliveries`` is an asset: draining the inbox is work that a run does. ``raw/bundles`` and ``raw/outcomes`` are
external assets: files are landed by whoever has them (``rolecall ingest``, a connector), at any time and for any set of
days at once, with the report that this person needs; a run has nothing to do there, it only reads.
"""

import dagster as dg

from assets.contracts import TABLES
from assets.metadata import column_schema, tags
from assets.partitions import DAILY, WRITER_POOL, days_of
from assets.raw import deliveries
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
