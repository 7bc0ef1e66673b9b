"""How Rolecall opens DuckDB: UTC, bounded memory and threads."""

import os
from collections.abc import Iterable
from pathlib import Path

import duckdb

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
