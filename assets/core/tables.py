"""The core layer as Dagster sees it: thin assets around ``build``, ``media``, ``outcomes`` and ``registries``."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.contracts import TABLES
from assets.contracts.table import Table
from assets.core import media, outcomes, registries
from assets.core.build import TABLES as SESSION_TABLES
from assets.core.build import build_days
from assets.core.plan import CODE_VERSION
from assets.metadata import column_schema, tags
from assets.partitions import DAILY, WRITER_POOL, days_of
from assets.resources import Workspace
from governance.media_probes import MediaProbes
from governance.rubrics_used import RubricsUsed

SINGLE_RUN = dg.BackfillPolicy.single_run()
RAW_SESSIONS = [dg.AssetKey(["raw", "bundles"]), dg.AssetKey(["raw", "deliveries"])]


def _spec(table: Table, deps: list[dg.AssetKey]) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=table.path.split("/"),
        deps=deps,
        group_name="core",
        kinds={"duckdb", "parquet"},
        tags=tags(table),
        code_version=CODE_VERSION,
        metadata={"dagster/column_schema": column_schema(table)},  # once a definition, not once a day and event
        description=f"{table.grain.capitalize()}; rows that break a rule are in {table.path}_quarantine.",
    )


def _result(table: Table, rows: int, quarantined: int, **more: Any) -> dg.MaterializeResult:
    """Counts of the run's days together: one scan builds them all, so that nothing is counted a day at a time."""
    return dg.MaterializeResult(
        asset_key=table.path.split("/"),
        metadata={
            "dagster/partition_row_count": rows,
            "quarantined": quarantined,
            **more,
        },
    )


@dg.multi_asset(
    name="core_sessions",
    specs=[_spec(table, RAW_SESSIONS) for table in SESSION_TABLES],
    partitions_def=DAILY,
    backfill_policy=SINGLE_RUN,
    pool=WRITER_POOL,
)
def core_sessions(context: dg.AssetExecutionContext, workspace: Workspace) -> Iterator[dg.MaterializeResult]:
    """Sessions, turns, signals, criterion scores and session scores of the run's days, with their quarantine.

    They are made together from one reading of raw, and replaced together: a session's score and its turns are never of
    two versions. That is why none of them can be built alone.
    """
    settings, state, catalog = workspace.settings(), workspace.state(), workspace.catalog()
    launches = workspace.launches(state)
    change = launches.last_change()  # read before the frame: a launch in between makes the day stale once more
    days = days_of(context)
    built = build_days(
        workspace.lake(),
        days,
        catalog=catalog,
        launches=launches.frame(),
        change=change,
        rubrics_used=RubricsUsed(state),
        now=datetime.now(UTC),
        reconcile_after_s=settings.reconcile_after_s,
    )
    for table in SESSION_TABLES:
        yield _result(table, built.rows[table.path], built.rows[f"{table.path}_quarantine"], days=len(days))


@dg.multi_asset(
    name="core_media",
    specs=[_spec(TABLES["core/media"], [*RAW_SESSIONS, dg.AssetKey(["core", "turns"])])],
    partitions_def=DAILY,
    backfill_policy=SINGLE_RUN,
    pool=WRITER_POOL,
)
def core_media(context: dg.AssetExecutionContext, workspace: Workspace) -> Iterator[dg.MaterializeResult]:
    """One row per recording object, as found where it lies; captions go to the home's exports."""
    state = workspace.state()
    judged = media.build(
        workspace.lake(),
        days_of(context),
        catalog=workspace.catalog(),
        probes=MediaProbes(state),
        exports=workspace.settings().exports,
        now=datetime.now(UTC),
    )
    yield _result(judged.table, judged.rows, judged.quarantined)


@dg.multi_asset(
    name="core_outcomes",
    specs=[_spec(TABLES["core/outcomes"], [dg.AssetKey(["raw", "outcomes"]), dg.AssetKey(["raw", "crm_records"])])],
    partitions_def=DAILY,
    backfill_policy=SINGLE_RUN,
    pool=WRITER_POOL,
)
def core_outcomes(context: dg.AssetExecutionContext, workspace: Workspace) -> Iterator[dg.MaterializeResult]:
    """One row per source record that occurred on the run's days."""
    judged = outcomes.build(workspace.lake(), days_of(context))
    yield _result(TABLES["core/outcomes"], judged.rows if judged else 0, judged.quarantined if judged else 0)


@dg.multi_asset(
    name="core_registries",
    specs=[_spec(TABLES["core/learners"], []), _spec(TABLES["core/launches"], [])],
    pool=WRITER_POOL,
    can_subset=True,
)
def core_registries(context: dg.AssetExecutionContext, workspace: Workspace) -> Iterator[dg.MaterializeResult]:
    """Learners and launches as the state database has them, without names: one row per learner key, per launch."""
    lake, state = workspace.lake(), workspace.state()
    sources = {
        "core/learners": lambda: registries.learners(lake, workspace.identities(state).learners()),
        "core/launches": lambda: registries.launches(lake, workspace.launches(state).frame()),
    }
    for path, write in sources.items():
        key = dg.AssetKey(path.split("/"))
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": write()})
