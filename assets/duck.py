"""How Rolecall opens DuckDB: UTC, bounded memory and threads."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
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


@contextmanager
def desk(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the same database, for a thread or a result of its own; UTC is each connection's own setting."""
    with con.cursor() as own:
        own.execute("set TimeZone = 'UTC'")
        yield own


def side_by_side(
    con: duckdb.DuckDBPyConnection,
    work: Callable[[duckdb.DuckDBPyConnection, Item], Result],
    items: Iterable[Item],
) -> list[Result]:
    """``work`` on each item with cursors of ``con``, as many at once as there are threads; results in order.

    For queries that DuckDB cannot share among threads itself: those that sort, write in order, or read little.
    """
    with _desks(con, None) as desks, ThreadPoolExecutor(THREADS) as pool:
        free: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for own in desks:
            free.put(own)

        def one(item: Item) -> Result:
            own = free.get()
            try:
                return work(own, item)
            finally:
                free.put(own)

        return list(pool.map(one, items))


def in_turn(
    con: duckdb.DuckDBPyConnection,
    work: Callable[[duckdb.DuckDBPyConnection, Item], object],
    needs: Mapping[Item, Set[Item]],
    prepare: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
) -> None:
    """``work`` on each item as soon as what it needs of the others is done, earlier items first; as ``side_by_side``.

    What is temporary in ``con`` is unknown to its cursors; ``prepare`` makes what they need in each. Raises ValueError
    where items need each other.
    """
    left = list(needs)
    running: dict[Future[object], tuple[Item, duckdb.DuckDBPyConnection]] = {}
    with _desks(con, prepare) as desks, ThreadPoolExecutor(THREADS) as pool:
        free = list(desks)
        while left or running:
            undone = {*left, *(item for item, _ in running.values())}
            for item in [item for item in left if needs[item].isdisjoint(undone)][: len(free)]:
                left.remove(item)
                own = free.pop()
                running[pool.submit(work, own, item)] = (item, own)
            if not running:
                raise ValueError(f"Each needs another: {left}")
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                done.result()
                free.append(running.pop(done)[1])


@contextmanager
def _desks(
    con: duckdb.DuckDBPyConnection, prepare: Callable[[duckdb.DuckDBPyConnection], None] | None
) -> Iterator[list[duckdb.DuckDBPyConnection]]:
    """A cursor of ``con`` for each thread. A query in it has one thread to run it, so that its rows stay in order."""
    con.execute("set threads = 1")
    try:
        with ExitStack() as opened:
            desks = [opened.enter_context(desk(con)) for _ in range(THREADS)]
            if prepare is not None:
                for own in desks:
                    prepare(own)
            yield desks
    finally:
        con.execute(f"set threads = {min(THREADS, os.cpu_count() or 1)}")
