"""Judge one table: where its rows are, what the exact check and the suite say, as plain results for Dagster."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from assets.checks import exact, suites
from assets.contracts import Table
from assets.duck import connect, file_list, literal
from assets.lake import Lake
from governance.settings import Settings


@dataclass
class Result:
    """The outcome of one check: passed or not, with the numbers and never a value of a row."""

    passed: bool
    summary: str
    metadata: dict[str, Any] = field(default_factory=dict)


def lake_source(lake: Lake, table: Table, days: Sequence[date] | None) -> str | None:
    """The rows of some days of a lake table as SQL; None where there are none."""
    if not table.partitioned:
        files = [lake.path(table.path)] if lake.path(table.path).is_file() else []
        return f"read_parquet({file_list(files)})" if files else None
    files = lake.files(table.path, days)
    if not files:
        return None
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    options = "hive_partitioning = true, hive_types = {'day': date}"
    return f"(select {columns} from read_parquet({file_list(files)}, {options}))"


@contextmanager
def working_files(settings: Settings, tenants: Sequence[str]) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[str]]]:
    """A connection that has every tenant's working file attached for reading, and the names they have in it."""
    con = connect()
    names = []
    try:
        for number, tenant in enumerate(tenants):
            path = settings.marts / tenant / "working.duckdb"
            if path.exists():
                con.execute(f"attach {literal(str(path))} as tenant_{number} (read_only)")
                names.append(f"tenant_{number}")
        yield con, names
    finally:
        con.close()


def mart_source(table: Table, attached: Sequence[str]) -> str | None:
    """A mart's rows of all attached tenants."""
    parts = [f'select * from {name}.main."{table.name}"' for name in attached]
    return f"({' union all '.join(parts)})" if parts else None


def judge_exactly(con: duckdb.DuckDBPyConnection, table: Table, source: str | None, *, loose: bool) -> Result:
    """Schema and critical rules, over every row."""
    if source is None:
        return Result(True, "no rows", {"rows": 0})
    faults = exact.schema_faults(con, table, source, loose=loose)
    if faults:
        return Result(False, f"{table.path}: {faults[0]}", {"faults": faults})
    verdict = exact.judge(con, table, source)
    first = ", ".join(f"{name}: {rows} rows" for name, rows in list(verdict.broken.items())[:3])
    return Result(
        not verdict.broken,
        f"{table.path}: {first} of {verdict.rows}" if verdict.broken else f"{verdict.rows} rows keep the contract",
        {"rows": verdict.rows, "broken": verdict.broken, "doubted": verdict.doubted},
    )


def look(
    con: duckdb.DuckDBPyConnection, table: Table, source: str | None, *, loose: bool
) -> tuple[Result, pd.DataFrame | None]:
    """All that DuckDB does for a table's checks: the exact verdict, and the frame that the suite is to judge.

    There is no frame where there are no rows, or where columns are not those of the contract.
    """
    exact = judge_exactly(con, table, source, loose=loose)
    if source is None or "faults" in exact.metadata or not exact.metadata["rows"]:
        return exact, None
    return exact, suites.frame_of(con, table, source, exact.metadata["rows"])


def judge_suite(table: Table, frame: pd.DataFrame | None) -> dict[str, Result]:
    """The suite's verdict by severity, from one run of it."""
    if frame is None or frame.empty:
        return {severity: Result(True, "no rows", {"rows": 0}) for severity in ("critical", "warning")}
    report = suites.validate(table, frame)
    results = {}
    for severity in ("critical", "warning"):
        failed = suites.failures(report, severity)
        first = f"{table.path}: {failed[0]['expectation']} on {', '.join(failed[0]['columns'])}" if failed else ""
        results[severity] = Result(
            not failed,
            first or f"{len(report.results)} expectations held",
            {"rows": len(frame), "expectations": len(report.results), "failed": failed},
        )
    return results
