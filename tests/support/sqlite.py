"""SQLite connections that are closed at the end of their block.

`with sqlite3.connect(…)` ends a transaction and leaves the connection open, and its cache of statements keeps it alive
until the garbage is collected. While it is open, a test that reads the file's bytes gives up the locks that this
process holds on it (POSIX drops all of a process's locks on a file when it closes any descriptor of it), another
process takes the last connection away and with it the index of the WAL, and the next connection here is told that the
database is malformed.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def opened(path: Path, *, timeout_s: float = 30.0) -> Iterator[sqlite3.Connection]:
    """A connection that commits at the end of the block, rolls back where it fails, and is closed."""
    with closing(sqlite3.connect(path, timeout=timeout_s)) as con, con:
        yield con


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that can only read, closed at the end of the block."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as con:
        yield con
