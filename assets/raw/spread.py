"""Writing rows with a column ``day`` as one sorted file a day, on all threads.

DuckDB's ``partition_by`` parts the rows first and sorts those of all days together, which costs half as much again as
writing one day after the other from a table of some days.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

import duckdb

from assets.duck import literal, side_by_side
from assets.raw.merge import CODEC, PARQUET

Share = tuple[date, date]
FEW = 300  # rows a day on average below which a statement a day costs more than it saves
MANY = 15_000  # rows a day on average from which holding them costs more than planning a statement a day
SHARE_ROWS = 5_000  # bundles written at once by one thread: some 50 MB, whatever the file has


def shares(con: duckdb.DuckDBPyConnection, table: str) -> list[Share]:
    """Runs of days of a table with a column ``day``, first and last, of about ``SHARE_ROWS`` rows each."""
    return con.sql(f"""
        select min(day), max(day)
        from (
            select day, (sum(count(*)) over (order by day) - 1) // {SHARE_ROWS} as share
            from {table}
            group by day
        )
        group by share
        order by share
    """).fetchall()


def copy_shares(
    con: duckdb.DuckDBPyConnection,
    select: Callable[[date, date], str],
    given: Sequence[Share],
    order: Sequence[str],
    into: Path,
) -> int:
    """Write the rows that ``select`` gives for each share below ``into``, sorted by ``order``; how many.

    Tables that the query reads must not be temporary, since each share has its own cursor.
    """

    def one(desk: duckdb.DuckDBPyConnection, number: int) -> int:
        return write_days(desk, select(*given[number]), order, into, f"share-{number}")

    con.execute("set preserve_insertion_order = false")
    try:
        return sum(side_by_side(con, one, range(len(given))))
    finally:
        con.execute("reset preserve_insertion_order")


def write_days(
    con: duckdb.DuckDBPyConnection, select: str, order: Sequence[str], into: Path, name: str = "rows"
) -> int:
    """Write the rows of ``select``, a file ``name`` a day below ``into``; how many. They fit into memory or spill.

    ``order`` are columns to sort each day by; without them rows stay as they come. They also stay where day and the
    first two of ``order`` show them sorted, which readers count on: sorting costs a third of writing, looking nothing.
    """
    con.execute(f"create or replace temp table to_write as {select}")
    days = con.sql("select day, count(*) from to_write group by day").fetchall()
    rows = sum(count for _, count in days)
    if order and _in_order(con, order[:2]):
        order = ()
    if rows < FEW * len(days):
        _write_partitioned(con, order, into, name)
    else:
        by = f"order by {', '.join(order)}" if order else ""
        for day, _ in days:
            folder = into / f"day={day}"
            folder.mkdir(parents=True, exist_ok=True)
            con.execute(
                f"copy (from to_write where day = date '{day}' {by}) to '{folder}/{name}.parquet'"
                f" (format parquet, {CODEC})"
            )
    con.execute("drop table to_write")
    return rows


def write_each_day(con: duckdb.DuckDBPyConnection, select: str, days: Iterable[date], into: Path) -> int:
    """Write the rows of ``select``, whose parameter ``$day`` is the day, below ``into`` as they come; how many.

    Nothing is held in between, which spares a third of the time where days have ``MANY`` rows.
    """
    con.execute(f"prepare one_day as copy ({select}) to $file (format parquet, {CODEC})")
    rows = 0
    for day in days:
        folder = into / f"day={day}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "rows.parquet"
        ((written,),) = con.execute(f"execute one_day(day := date '{day}', file := {literal(str(path))})").fetchall()
        if not written:
            path.unlink()
            folder.rmdir()
        rows += written
    con.execute("deallocate one_day")
    return rows


def _in_order(con: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> bool:
    row = f"row(day, {', '.join(columns)})"
    ((misplaced,),) = con.sql(f"""
        select count(*) from (select {row} as this, lag({row}) over () as before from to_write) where this < before
    """).fetchall()
    return misplaced == 0


def _write_partitioned(con: duckdb.DuckDBPyConnection, order: Sequence[str], into: Path, name: str) -> None:
    own = into / f".{name}"
    own.mkdir(parents=True)
    by = f"order by {', '.join(('day', *order))}" if order else ""
    con.execute(f"copy (from to_write {by}) to '{own}' ({PARQUET})")
    join_days(own, into, name)
    own.rmdir()


def join_days(written: Path, into: Path, name: str) -> None:
    """Move what DuckDB wrote for each day to one folder a day, under names that begin with ``name``."""
    for path in written.glob("day=*/*.parquet"):
        target = into / path.parent.name
        target.mkdir(parents=True, exist_ok=True)
        path.rename(target / f"{name}-{path.name}")
    for folder in written.glob("day=*"):
        folder.rmdir()
