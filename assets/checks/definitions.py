"""Every check as Dagster runs it: per layer one step, per table an exact check and one suite check a severity.

The checks of a layer share a step because they share what costs: Great Expectations' import, the opened files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import dagster as dg
import duckdb
import pandas as pd

from assets.checks import gradebooks, reconcile, statements
from assets.checks.verdicts import (
    Result,
    judge_suite,
    lake_source,
    look,
    mart_source,
    working_files,
)
from assets.contracts import JUDGED, LMS_RECONCILIATION, MARTS, OVERVIEWS, RAW, TABLES, XAPI_STATEMENTS, Table
from assets.duck import THREADS, connect, desk
from assets.lake import Lake
from assets.marts.assets import POOL
from assets.marts.tenants import tenants
from assets.resources import Workspace
from assets.scope import scoped

RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
PARTITION = "dagster/partition"
DAYS = "rolecall/days"  # the days of a range that have anything to check, with commas; all of the range without it
CONTRACT, CRITICAL, WARNING = "contract", "gx_critical", "gx_warning"
SESSION_TABLES = tuple(
    TABLES[f"core/{name}"] for name in ("sessions", "turns", "signals", "criterion_scores", "session_scores")
)
SHOWN = (*MARTS, *OVERVIEWS)


def days_at_hand(context: dg.AssetCheckExecutionContext) -> list[date] | None:
    """The run's days, from its tags, so that a check reads no other; None means every day there is."""
    tags = context.run.tags
    if PARTITION in tags:
        return [date.fromisoformat(tags[PARTITION])]
    if all(tag in tags for tag in RANGE):
        if tags.get(DAYS):
            return [date.fromisoformat(day) for day in tags[DAYS].split(",")]
        first, last = (date.fromisoformat(tags[tag]) for tag in RANGE)
        return [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
    return None


def _specs(tables: Sequence[Table]) -> list[dg.AssetCheckSpec]:
    return [
        spec
        for table in tables
        for spec in (
            dg.AssetCheckSpec(
                CONTRACT, asset=[table.layer, table.name], blocking=True,
                description="Columns, types and every critical rule of the contract, over every row",
            ),
            dg.AssetCheckSpec(
                CRITICAL, asset=[table.layer, table.name], blocking=True,
                description="Great Expectations: the critical expectations",
            ),
            dg.AssetCheckSpec(
                WARNING, asset=[table.layer, table.name], description="Great Expectations: oddities worth a look"
            ),
        )
    ]  # fmt: skip


def _outcome(
    context: dg.AssetCheckExecutionContext,
    table: str,
    name: str,
    result: Result,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> Iterator[dg.AssetCheckResult]:
    key = dg.AssetKey(table.split("/"))
    if dg.AssetCheckKey(key, name) in context.selected_asset_check_keys:
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=result.passed,
            severity=severity,
            description=result.summary,
            metadata={name: _metadata(value) for name, value in result.metadata.items()},
        )


def _metadata(value: object) -> dg.MetadataValue:
    return dg.MetadataValue.int(value) if isinstance(value, int) else dg.MetadataValue.json(value)  # type: ignore[arg-type]


def _judge(
    context: dg.AssetCheckExecutionContext,
    con: duckdb.DuckDBPyConnection,
    tables: Sequence[Table],
    source: Callable[[Table], str | None],
    *,
    loose: bool,
) -> list[dg.AssetCheckResult]:
    """The three verdicts on each table.

    DuckDB looks at the next tables, as many at a time as there are threads, while Great Expectations, which is Python
    alone, judges this one. They come as a list, since a step's work is over with its first output (see
    ``pipelines.watch``).
    """

    def looked(table: Table) -> tuple[Result, pd.DataFrame | None]:
        with desk(con) as own:
            return look(own, table, source(table), loose=loose)

    with ThreadPoolExecutor(THREADS) as ahead:
        looked_at = ahead.map(looked, tables)
        return [
            result
            for table, (exact, frame) in zip(tables, looked_at, strict=True)
            for result in _verdicts(context, table, exact, judge_suite(table, frame))
        ]


def _verdicts(
    context: dg.AssetCheckExecutionContext, table: Table, exact: Result, suite: Mapping[str, Result]
) -> Iterator[dg.AssetCheckResult]:
    yield from _outcome(context, table.path, CONTRACT, exact)
    yield from _outcome(context, table.path, CRITICAL, suite["critical"])
    yield from _outcome(context, table.path, WARNING, suite["warning"], dg.AssetCheckSeverity.WARN)


@dg.multi_asset_check(name="raw_checks", specs=_specs(RAW), can_subset=True)
def raw_checks(context: dg.AssetCheckExecutionContext, workspace: Workspace) -> Iterator[dg.AssetCheckResult]:
    """Landing tables of the run's days."""
    lake, days, con = workspace.lake(), days_at_hand(context), connect()
    results = _judge(context, con, RAW, lambda table: lake_source(lake, table, days), loose=True)
    con.close()
    yield from results


SESSIONS = "core/sessions"


def _quarantine_specs(table: str) -> list[dg.AssetCheckSpec]:
    key = table.split("/")
    return [
        dg.AssetCheckSpec(
            "quarantine_stop", asset=key, blocking=True,
            description="Share of quarantined rows below the limit at which nothing is published",
        ),
        dg.AssetCheckSpec("quarantine_warn", asset=key, description="Share of quarantined rows below 1 %"),
    ]  # fmt: skip


CORE_SPECS = [
    dg.AssetCheckSpec(
        "counts_add_up", asset=["core", "sessions"], blocking=True,
        description="Sessions in raw = sessions in core + sessions in quarantine, day by day",
    ),
    *_quarantine_specs(SESSIONS),
    dg.AssetCheckSpec(
        "no_denied_signal", asset=["core", "signals"], blocking=True,
        description="No perception signal that the policy denies reached core",
    ),
    dg.AssetCheckSpec(
        "no_formerly_allowed_signal", asset=["core", "signals"],
        description="No perception signal that only an older policy allowed",
    ),
]  # fmt: skip


@dg.multi_asset_check(name="core_checks", specs=[*_specs(SESSION_TABLES), *CORE_SPECS], can_subset=True)
def core_checks(context: dg.AssetCheckExecutionContext, workspace: Workspace) -> Iterator[dg.AssetCheckResult]:
    """Session-grain tables of the run's days, their quarantine, and what the gate should have kept out."""
    lake, days, con = workspace.lake(), days_at_hand(context), connect()
    with ThreadPoolExecutor(1) as beside:
        counted = beside.submit(_reconciled, con, lake, days)
        judged = _judge(context, con, SESSION_TABLES, lambda table: lake_source(lake, table, days), loose=True)
        lost, rates, perceived = counted.result()
    con.close()
    now, before = reconcile.forbidden(perceived, workspace.policy())

    yield from judged
    added = Result(not lost, lost[0] if lost else "raw = core + quarantine", {"differences": lost[:20]})
    yield from _outcome(context, SESSIONS, "counts_add_up", added)
    yield from _quarantine(context, SESSIONS, rates, workspace.settings().quarantine_stop)
    yield from _outcome(context, "core/signals", "no_denied_signal", Result(not now, "; ".join(now) or "none"))
    yield from _outcome(
        context, "core/signals", "no_formerly_allowed_signal",
        Result(not before, "; ".join(before) or "none"), dg.AssetCheckSeverity.WARN,
    )  # fmt: skip


def _reconciled(
    con: duckdb.DuckDBPyConnection, lake: Lake, days: Sequence[date] | None
) -> tuple[list[str], list[reconcile.Rate], list[tuple[str | None, str, int]]]:
    """Sessions unaccounted for, quarantined rows, and perception signals, counted in a thread of their own."""
    with desk(con) as own:
        return (
            reconcile.unaccounted(own, lake, days),
            reconcile.rates(own, lake, days, SESSION_TABLES),
            reconcile.perceived(own, lake, days),
        )


def _quarantine(
    context: dg.AssetCheckExecutionContext, table: str, rates: Sequence[reconcile.Rate], limit: float
) -> Iterator[dg.AssetCheckResult]:
    stop = reconcile.too_many(rates, limit, reconcile.FEWEST)
    warn = reconcile.too_many(rates, reconcile.WARN)
    shares = {rate.table: {"good": rate.good, "broken": rate.broken, "rules": dict(rate.rules)} for rate in rates}
    told = "; ".join(reconcile.sentence(rate) for rate in stop)
    yield from _outcome(
        context, table, "quarantine_stop",
        Result(not stop, f"{told}. {reconcile.remedy()}" if stop else "within the limit", {"tables": shares}),
    )  # fmt: skip
    yield from _outcome(
        context, table, "quarantine_warn",
        Result(not warn, "; ".join(reconcile.sentence(rate) for rate in warn) or "below 1 %"),
        dg.AssetCheckSeverity.WARN,
    )  # fmt: skip


def _side_checks(name: str, tables: Sequence[Table]) -> dg.AssetChecksDefinition:
    """The checks of core tables that a step of their own makes.

    One check step a making step: media wait for the checks of turns, so that a common step would wait for itself.
    """
    judged = [table for table in tables if table in JUDGED]
    held = [spec for table in judged for spec in _quarantine_specs(table.path)]

    @dg.multi_asset_check(name=f"core_{name}_checks", specs=[*_specs(tables), *held], can_subset=True)
    def checks(context: dg.AssetCheckExecutionContext, workspace: Workspace) -> Iterator[dg.AssetCheckResult]:
        lake, days, con = workspace.lake(), days_at_hand(context), connect()
        results = _judge(context, con, tables, lambda table: lake_source(lake, table, days), loose=True)
        rates = {table.path: reconcile.rates(con, lake, days, [table]) for table in judged}
        con.close()
        yield from results
        for path, found in rates.items():
            yield from _quarantine(context, path, found, workspace.settings().quarantine_stop)

    return checks


side_checks = [
    _side_checks("media", [TABLES["core/media"]]),
    _side_checks("outcomes", [TABLES["core/outcomes"]]),
    _side_checks("registries", [TABLES["core/learners"], TABLES["core/launches"]]),
]


MART_SPECS = [
    *_specs(SHOWN),
    dg.AssetCheckSpec(
        "no_forged_score", asset=["marts", "lms_reconciliation"],
        description="No LMS holds a score that no session explains",
    ),
]  # fmt: skip


@dg.multi_asset_check(name="mart_checks", specs=MART_SPECS, can_subset=True, pool=POOL)
def mart_checks(context: dg.AssetCheckExecutionContext, workspace: Workspace) -> Iterator[dg.AssetCheckResult]:
    """Marts of the run's tenants, before anything is published; in the writers' pool, since it opens their files."""
    settings = workspace.settings()
    wanted = scoped(tenants(workspace.lake(), settings.marts), context.run.tags)
    with working_files(settings, wanted) as (con, attached):
        judged = _judge(context, con, SHOWN, lambda table: mart_source(table, attached), loose=False)
        held = gradebooks.suspicious(con, mart_source(LMS_RECONCILIATION, attached))
    yield from judged
    told = Result(not held, gradebooks.sentence(held), {"scores": sum(held.values()), "by_lms": held})
    yield from _outcome(context, LMS_RECONCILIATION.path, "no_forged_score", told, dg.AssetCheckSeverity.WARN)


@dg.multi_asset_check(
    name="export_checks",
    specs=[
        *_specs([XAPI_STATEMENTS]),
        dg.AssetCheckSpec(
            "as_sessions_imply", asset=["exports", "xapi_statements"], blocking=True,
            description="Statements in force = what the day's sessions imply, kind by kind; nothing voided twice",
        ),
    ],
    can_subset=True,
)  # fmt: skip
def export_checks(context: dg.AssetCheckExecutionContext, workspace: Workspace) -> Iterator[dg.AssetCheckResult]:
    """Issued statements of the run's days."""
    lake, days, con = workspace.lake(), days_at_hand(context), connect()
    results = _judge(context, con, [XAPI_STATEMENTS], lambda table: lake_source(lake, table, days), loose=True)
    found = statements.differences(con, lake, days)
    con.close()
    yield from results
    told = Result(not found, found[0] if found else "as the sessions imply", {"differences": found[:20]})
    yield from _outcome(context, XAPI_STATEMENTS.path, "as_sessions_imply", told)
