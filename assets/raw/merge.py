"""Merging staged rows into the day files of a raw table: only what is new is written, only changed days rewritten."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from assets.contracts.table import Table
from assets.duck import file_list
from assets.lake import Lake

CODEC = "compression lz4"
PARQUET = f"format parquet, partition_by (day), write_partition_columns true, {CODEC}, overwrite_or_ignore true"


@dataclass(frozen=True)
class Merged:
    """What a merge did: rows new to the lake, rows that were there already, days whose file changed."""

    accepted: int
    repeated: int
    days: tuple[date, ...]


def staged_days(staged: Path) -> dict[date, list[Path]]:
    """Files of each day below a folder that DuckDB's ``partition_by (day)`` wrote."""
    folders = sorted(staged.glob("day=*"))
    return {
        date.fromisoformat(folder.name.removeprefix("day=")): sorted(folder.glob("*.parquet")) for folder in folders
    }


def merge(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: Table, staged: Path, moves: dict[date, set[date]] | None = None
) -> Merged:
    """Add staged rows whose key is not there yet. The same rows again change no file.

    ``moves`` gives days that also gain rows of other days; the temp table ``moved (tenant, session_id, day)`` then says
    which sessions go where. Days without an old file take the staged one as it is.
    """
    files = staged_days(staged)
    counts = _counts(con, table, [path for paths in files.values() for path in paths])
    touched = set(moves or {}) | {day for days in (moves or {}).values() for day in days}
    simple = [
        day
        for day, (rows, distinct) in counts.items()
        if rows == distinct and len(files[day]) == 1 and day not in touched and lake.file_id(table.path, day) is None
    ]
    lake.replace_days(table.path, staged, simple)
    accepted = sum(counts[day][0] for day in simple)
    complex_ = sorted((set(files) | touched) - set(simple))
    rows = sum(counts[day][0] for day in complex_ if day in counts)
    if not complex_:
        return Merged(accepted, 0, tuple(simple))
    fresh, changed = _rewrite(con, lake, table, {day: files.get(day, []) for day in complex_}, touched)
    return Merged(accepted + fresh, rows - fresh, tuple(sorted({*simple, *changed})))


def _counts(con: duckdb.DuckDBPyConnection, table: Table, files: list[Path]) -> dict[date, tuple[int, int]]:
    if not files:
        return {}
    query = f"""
        select day, count(*), count(distinct ({", ".join(table.key)}))
        from read_parquet({file_list(files)})
        group by day
    """
    return {day: (rows, distinct) for day, rows, distinct in con.sql(query).fetchall()}


def _rewrite(
    con: duckdb.DuckDBPyConnection, lake: Lake, table: Table, files: dict[date, list[Path]], touched: set[date]
) -> tuple[int, list[date]]:
    """Join what is there with what is new, day by day, and put the changed days in place."""
    keys = ", ".join(table.key)
    arriving = [path for paths in files.values() for path in paths]
    present = lake.files(table.path, files)
    new = f"read_parquet({file_list(arriving)})" if arriving else _nothing(table)
    old = f"read_parquet({file_list(present)})" if present else _nothing(table)
    con.execute(
        f"create or replace temp table fresh as select distinct {keys}"
        f" from (from {new}) as new anti join (from {old}) as old using ({keys})"
    )
    fresh = con.sql("select count(*) from fresh").fetchall()[0][0]
    gaining = con.sql(f"select distinct day from (from {new}) as new semi join fresh using ({keys})").fetchall()
    changed = sorted({day for (day,) in gaining} | touched)
    if not changed:
        return 0, []
    kept = lake.files(table.path, changed)
    old = f"read_parquet({file_list(kept)})" if kept else _nothing(table)
    placed = "old.* replace (coalesce(moved.day, old.day) as day)" if touched else "old.*"
    follow = "left join moved using (tenant, session_id)" if touched else ""
    columns = ", ".join(table.column_names)
    with lake.staging() as folder:
        con.execute(f"""
            copy (
                select {columns} from (
                    select {columns} from (select {placed} from (from {old}) as old {follow})
                    union all by name
                    select {columns} from (from {new}) as new semi join fresh using ({keys})
                    qualify row_number() over (partition by {keys} order by received_at) = 1
                )
                order by day, {keys}
            ) to '{folder}' ({PARQUET})
        """)
        settle(con, folder, table.key)
        lake.replace_days(table.path, folder, changed)
    return fresh, changed


def settle(con: duckdb.DuckDBPyConnection, staged: Path, order: tuple[str, ...]) -> None:
    """One file a day: DuckDB splits a day when more days are open at once than it allows."""
    for day, files in staged_days(staged).items():
        if len(files) > 1:
            whole = staged / f"day={day}" / "whole.parquet"
            source = f"select * from read_parquet({file_list(files)}) order by {', '.join(order)}"
            con.execute(f"copy ({source}) to '{whole}' (format parquet, {CODEC})")
            for path in files:
                path.unlink()


def _nothing(table: Table) -> str:
    columns = ", ".join(f"null::{column.type} as {column.name}" for column in table.columns)
    return f"(select {columns} where false)"
