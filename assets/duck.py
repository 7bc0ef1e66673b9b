"""How Rolecall opens DuckDB: UTC, bounded memory and threads."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import duckdb

Item = TypeVar("Item")
Result = TypeVar("Result")

MEMORY_MB = 2_000  # leaves room for Python, Arrow and Great Expectations below the budget of 4 GiB
THREADS = 2


def connect(
    spill: Path | None = None, *, memory: str = f"{MEMORY_MB}MB", threads: int = THREADS
) -> duckdb.DuckDBPyConnection:
    """An in-memory database in UTC that spills to ``spill`` when it outgrows its memory.

    Insertion order is kept: it is what lets a sorted query write a sorted file.
    """
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    con.execute(f"set threads = {min(threads, os.cpu_count() or 1)}")
    con.execute(f"set memory_limit = {literal(memory)}")
    con.execute("set enable_progress_bar = false")
    if spill is not None:
        con.execute(f"set temp_directory = {literal(str(spill))}")
    return con


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def file_list(paths: Iterable[Path | str]) -> str:
    """Paths as an SQL list literal."""
    return "[" + ", ".join(literal(str(path)) for path in paths) + "]"


def side_by_side(
    con: duckdb.DuckDBPyConnection,
    work: Callable[[duckdb.DuckDBPyConnection, Item], Result],
    items: Iterable[Item],
    prepare: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
) -> list[Result]:
    """``work`` on each item with cursors of ``con``, as many at once as there are threads; results in order.

    For queries that DuckDB cannot share among threads itself: those that sort, write in order, or read little. Each
    has one thread to run it, so that its rows stay in order. What is temporary in ``con`` is unknown to its cursors;
    ``prepare`` makes what they need in each.
    """
    desks: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()

    def one(item: Item) -> Result:
        desk = desks.get()
        try:
            return work(desk, item)
        finally:
            desks.put(desk)

    con.execute("set threads = 1")
    try:
        for _ in range(THREADS):
            desk = con.cursor()
            desk.execute("set TimeZone = 'UTC'")
            if prepare is not None:
                prepare(desk)
            desks.put(desk)
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(one, items))
    finally:
        while not desks.empty():
            desks.get().close()
        con.execute(f"set threads = {min(THREADS, os.cpu_count() or 1)}")
