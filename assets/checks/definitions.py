"""Every check as Dagster runs it: per layer one step, per table an exact check and one suite check a severity.

The checks of a layer share a step because they share what costs: Great Expectations' import, the opened files.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

import dagster as dg
import duckdb

from assets.checks import reconcile
from assets.checks.verdicts import (
    Result,
    judge_exactly,
    judge_suite,
    lake_source,
    mart_source,
    working_files,
)
from assets.contracts import CORE, MARTS, OVERVIEWS, QUARANTINES, RAW, Table
from assets.duck import connect
from assets.marts.tenants import tenants
from assets.resources import Workspace

RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
PARTITION = "dagster/partition"
CONTRACT, CRITICAL, WARNING = "contract", "gx_critical", "gx_warning"
JUDGED_CORE = tuple(table for table in CORE if table not in QUARANTINES)
SHOWN = (*MARTS, *OVERVIEWS)


def days_at_hand(context: dg.AssetCheckExecutionContext) -> list[date] | None:
    """The run's days, from its tags; None means every day there is."""
    tags = context.run.tags
    if PARTITION in tags:
        return [date.fromisoformat(tags[PARTITION])]
    if all(tag in tags for tag in RANGE):
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
) -> Iterator[dg.AssetCheckResult]:
    for table in tables:
        rows = source(table)
        verdict = judge_exactly(con, table, rows, loose=loose)
        yield from _outcome(context, table.path, CONTRACT, verdict)
        suite = judge_suite(con, table, rows if verdict.passed or "faults" not in verdict.metadata else None)
        yield from _outcome(context, table.path, CRITICAL, suite["critical"])
        yield from _outcome(context, table.path, WARNING, suite["warning"], dg.AssetCheckSeverity.WARN)


@dg.multi_asset_check(name="raw_checks", specs=_specs(RAW), can_subset=True)
def raw_checks(context: dg.AssetCheckExecutionContext, workspace: Workspace) -> Iterator[dg.AssetCheckResult]:
    """Landing tables of the run's days."""
    lake, days, con = workspace.lake(), days_at_hand(context), connect()
    yield from _judge(context, con, RAW, lambda table: lake_source(lake, table, days), loose=True)
    con.close()


SESSIONS = "core/sessions"
CORE_SPECS = [
    dg.AssetCheckSpec(
        "counts_add_up", asset=["core", "sessions"], blocking=True,
        description="Sessions in raw = sessions in core + sessions in quarantine, day by day",
    ),
    dg.AssetCheckSpec(
        "quarantine_stop", asset=["core", "sessions"], blocking=True,
        description="Share of quarantined rows below the limit at which nothing is published",
    ),
    dg.AssetCheckSpec(
        "quarantine_warn", asset=["core", "sessions"], description="Share of quarantined rows below 1 %",
    ),
    dg.AssetCheckSpec(
        "no_denied_signal", asset=["core", "signals"], blocking=True,
        description="No perception signal that the policy denies reached core",
    ),
    dg.AssetCheckSpec(
        "no_formerly_allowed_signal", asset=["core", "signals"],
        description="No perception signal that only an older policy allowed",
    ),
]  # fmt: skip


@dg.multi_asset_check(name="core_checks", specs=[*_specs(JUDGED_CORE), *CORE_SPECS], can_subset=True)
def core_checks(context: dg.AssetCheckExecutionContext, workspace: Workspace) -> Iterator[dg.AssetCheckResult]:
    """Core tables of the run's days, their quarantine, and what the gate should have kept out."""
    lake, days, con = workspace.lake(), days_at_hand(context), connect()
    yield from _judge(context, con, JUDGED_CORE, lambda table: lake_source(lake, table, days), loose=True)

    lost = reconcile.unaccounted(con, lake, days)
    added = Result(not lost, lost[0] if lost else "raw = core + quarantine", {"differences": lost[:20]})
    yield from _outcome(context, SESSIONS, "counts_add_up", added)

    settings = workspace.settings()
    rates = reconcile.rates(con, lake, days)
    stop = reconcile.too_many(rates, settings.quarantine_stop, reconcile.FEWEST)
    warn = reconcile.too_many(rates, reconcile.WARN)
    shares = {rate.table: {"good": rate.good, "broken": rate.broken, "rules": dict(rate.rules)} for rate in rates}
    told = "; ".join(reconcile.sentence(rate) for rate in stop)
    yield from _outcome(
        context, SESSIONS, "quarantine_stop",
        Result(not stop, f"{told}. {reconcile.remedy()}" if stop else "within the limit", {"tables": shares}),
    )  # fmt: skip
    yield from _outcome(
        context, SESSIONS, "quarantine_warn",
        Result(not warn, "; ".join(reconcile.sentence(rate) for rate in warn) or "below 1 %"),
        dg.AssetCheckSeverity.WARN,
    )  # fmt: skip

    now, before = reconcile.forbidden(reconcile.perceived(con, lake, days), workspace.policy())
    yield from _outcome(context, "core/signals", "no_denied_signal", Result(not now, "; ".join(now) or "none"))
    yield from _outcome(
        context, "core/signals", "no_formerly_allowed_signal",
        Result(not before, "; ".join(before) or "none"), dg.AssetCheckSeverity.WARN,
    )  # fmt: skip
    con.close()


@dg.multi_asset_check(name="mart_checks", specs=_specs(SHOWN), can_subset=True)
def mart_checks(context: dg.AssetCheckExecutionContext, workspace: Workspace) -> Iterator[dg.AssetCheckResult]:
    """Marts of every tenant, before anything is published."""
    settings = workspace.settings()
    with working_files(settings, tenants(workspace.lake(), settings.marts)) as (con, attached):
        yield from _judge(context, con, SHOWN, lambda table: mart_source(table, attached), loose=False)
