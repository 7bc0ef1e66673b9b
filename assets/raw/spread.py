"""Writing a large query by day on all threads: a query that sorts and writes by day runs on one."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import duckdb

from assets.duck import THREADS
from assets.raw.merge import PARQUET

Share = tuple[date, date]


def shares(con: duckdb.DuckDBPyConnection, table: str) -> list[Share]:
    """First and last day of each thread's share of a table with a column ``day``, about equal in rows."""
    return con.sql(f"""
        select min(day), max(day)
        from (
            select day, ((sum(count(*)) over (order by day) - 1) * {THREADS}) // sum(count(*)) over () as share
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
    scratch: Path,
    into: Path,
) -> int:
    """Write the sorted rows that ``select`` gives for each share below ``into``; how many.

    Tables that the query reads must not be temporary, since each share has its own cursor.

    Each query has one thread to run it, so that rows stay in order without DuckDB's care for it, which costs a copy.
    """

    def one(number: int) -> int:
        own = scratch / f"share-{number}"
        with con.cursor() as cursor:
            cursor.execute("set TimeZone = 'UTC'")
            rows = cursor.execute(f"copy ({select(*given[number])}) to '{own}' ({PARQUET})").fetchall()[0][0]
        join_days(own, into)
        return rows

    con.execute("set threads = 1")
    con.execute("set preserve_insertion_order = false")
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return sum(pool.map(one, range(len(given))))
    finally:
        con.execute("reset preserve_insertion_order")
        con.execute(f"set threads = {THREADS}")


def join_days(written: Path, into: Path) -> None:
    """Bring what was written for each day together in one folder a day."""
    for path in written.glob("day=*/*.parquet"):
        target = into / path.parent.name
        target.mkdir(exist_ok=True)
        path.rename(target / f"{written.name}-{path.name}")
