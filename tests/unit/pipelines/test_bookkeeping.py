"""The store is quick inside the block, as before outside it, and no other database is touched."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from pipelines import bookkeeping

NORMAL, FULL = 1, 2


def synchronous(file: Path) -> int:
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        level = connection.execute(text("pragma synchronous")).scalar_one()
    engine.dispose()
    return level


def test_only_files_of_the_folder_commit_without_waiting(tmp_path: Path) -> None:
    store = tmp_path / "dagster"
    index, other = store / "history" / "runs" / "index.db", tmp_path / "state.db"
    with bookkeeping.quick(store, "run-1"):
        assert synchronous(index) == NORMAL
        assert synchronous(other) == FULL
    assert synchronous(index) == FULL


def test_a_close_inside_the_block_is_never_the_last(tmp_path: Path) -> None:
    index = tmp_path / "history" / "runs" / "index.db"
    log = index.with_name("index.db-wal")
    with bookkeeping.quick(tmp_path, "run-1"):
        with sqlite3.connect(index) as connection:
            connection.execute("create table t (n)")
        connection.close()
        assert log.exists()
    assert not log.exists()


def test_an_error_inside_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), bookkeeping.quick(tmp_path, "run-1"):
        raise RuntimeError
    assert synchronous(tmp_path / "history" / "runs" / "index.db") == FULL
