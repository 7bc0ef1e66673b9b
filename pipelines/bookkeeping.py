"""Dagster's SQLite store made quick for the length of a run; the records it keeps are the same.

Dagster opens a connection for every event and closes it again. Each close is the last one, so SQLite copies its
write-ahead log back and deletes it, and each commit waits for the disk: some 20 ms for an event of a few hundred
bytes, 1,800 times over for a first load of three months. Two remedies, both SQLite's own: a connection held open, so
that no close is the last, and ``synchronous=normal``, which survives a killed process and may lose the newest events
in a power cut. These are records about work, never the work; what they lose, the next run writes again.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def quick(folder: Path, run_id: str) -> Iterator[None]:
    """Hold Dagster's files below ``folder`` open and let its connections to them commit without waiting."""
    files = [
        folder / "history" / "runs.db",
        folder / "history" / "runs" / "index.db",
        folder / "history" / "runs" / f"{run_id}.db",
    ]

    def relax(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection) and folder in _file_of(connection).parents:
            connection.execute("pragma synchronous = normal")

    event.listen(Engine, "connect", relax)
    try:
        with ExitStack() as held:
            for file in files:
                file.parent.mkdir(parents=True, exist_ok=True)
                keeper = held.enter_context(closing(sqlite3.connect(file, isolation_level=None)))
                keeper.execute("pragma journal_mode = wal")
                keeper.execute("select count(*) from sqlite_master").fetchone()  # the file is open from its first read
            yield
    finally:
        event.remove(Engine, "connect", relax)


def _file_of(connection: sqlite3.Connection) -> Path:
    (_, _, file) = connection.execute("pragma database_list").fetchone()
    return Path(file)
