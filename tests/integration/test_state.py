"""The state database opens, migrates and refuses alike on SQLite and PostgreSQL."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from governance.state import State, StateError
from governance.state.migrations import head
from governance.state.models import Base, BatchRow

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
OPEN = "import sys; from governance.state import State; State.open(sys.argv[1]).close()"


def test_migrations_make_what_the_models_say(state: State) -> None:
    with state.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        ours = set(Base.metadata.tables)
        differences = [each for each in compare_metadata(context, Base.metadata) if _about(each) in ours]
    assert differences == []


def _about(difference: object) -> str | None:
    """Table that a difference is about; other owners' tables have models of their own."""
    if isinstance(difference, list):
        return difference[0][2]
    thing = difference[1]  # type: ignore[index]
    return getattr(thing, "name", None) if difference[0].endswith("_table") else thing.table.name  # type: ignore[index]


def test_opening_again_changes_nothing(state: State, state_url: str) -> None:
    State.open(state_url).close()
    with state.engine.connect() as connection:
        assert connection.scalar(text("select version_num from alembic_version")) == head()


def test_five_processes_start_at_once(state_url: str) -> None:
    starting = [
        subprocess.Popen([sys.executable, "-c", OPEN, state_url], cwd=ROOT, stderr=subprocess.PIPE) for _ in range(5)
    ]
    errors = [process.communicate(timeout=300)[1].decode() for process in starting]
    assert [process.returncode for process in starting] == [0] * 5, errors


def test_a_newer_database_is_refused_with_the_remedy(state: State, state_url: str) -> None:
    with state.session() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(StateError, match=r"schema is 9999.*install the newer Rolecall"):
        State.open(state_url)


def test_a_failed_migration_leaves_the_database_as_it_was(state_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from governance.state.migrations import command

    def broken(*_: object, **__: object) -> None:
        upgrade(*_, **__)
        raise RuntimeError("the machine died here")

    upgrade = command.upgrade
    monkeypatch.setattr(command, "upgrade", broken)
    with pytest.raises(RuntimeError, match="died"):
        State.open(state_url)
    monkeypatch.setattr(command, "upgrade", upgrade)
    state = State.open(state_url)
    assert "launches" in inspect(state.engine).get_table_names()
    state.close()


def test_a_transaction_that_raises_leaves_nothing(state: State) -> None:
    row = BatchRow(batch_id="b_1", kind="bundles", source="a.jsonl", opened_at=NOW)
    with pytest.raises(RuntimeError, match="stop"):
        _write_and_stop(state, row)
    with state.reading() as session:
        assert session.get(BatchRow, "b_1") is None


def _write_and_stop(state: State, row: BatchRow) -> None:
    with state.session() as session:
        session.add(row)
        session.flush()
        raise RuntimeError("stop")


def test_times_come_back_in_utc_and_naive_ones_are_refused(state: State) -> None:
    with state.session() as session:
        session.add(BatchRow(batch_id="b_1", kind="bundles", source="a", opened_at=NOW.astimezone()))
    with state.reading() as session:
        row = session.get(BatchRow, "b_1")
    assert row is not None
    assert row.opened_at == NOW
    assert row.opened_at.tzinfo is UTC
    naive = BatchRow(batch_id="b_2", kind="bundles", source="a", opened_at=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(Exception, match="without an offset"), state.session() as session:
        session.add(naive)


def test_readers_do_not_wait_for_a_writer(state: State) -> None:
    with state.session() as writing:
        writing.add(BatchRow(batch_id="b_1", kind="bundles", source="a", opened_at=NOW))
        writing.flush()
        with state.reading() as reading:
            assert reading.get(BatchRow, "b_1") is None


def test_a_reader_sees_one_moment(state: State) -> None:
    with state.reading() as reading:
        assert reading.get(BatchRow, "b_1") is None
        with state.session() as writing:
            writing.add(BatchRow(batch_id="b_1", kind="bundles", source="a", opened_at=NOW))
        assert reading.get(BatchRow, "b_1") is None
    with state.reading() as reading:
        assert reading.get(BatchRow, "b_1") is not None


def test_nobody_else_reads_the_file(tmp_path: Path) -> None:
    state = State.open(f"sqlite:///{tmp_path / 'state.db'}")
    with state.session() as session:
        session.add(BatchRow(batch_id="b_1", kind="bundles", source="a", opened_at=NOW))
    assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}
    state.close()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="check ROLECALL_HOME"):
        State.open(f"sqlite:///{tmp_path / 'file' / 'state.db'}")


def test_sqlite_is_durable_and_waits(tmp_path: Path) -> None:
    state = State.open(f"sqlite:///{tmp_path / 'deep' / 'state.db'}")
    with state.engine.connect() as connection:
        pragmas = [
            connection.scalar(text(f"pragma {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
        waits = connection.scalar(text("pragma busy_timeout"))
    assert pragmas == ["wal", 2, 1]
    assert waits == 30_000
    state.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "in memory"),
        ("mysql://host/db", "only sqlite and postgresql"),
        ("not an address", "is no address"),
        ("postgresql://someone:hidden@127.0.0.1:1/none", "check ROLECALL_STATE_URL"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_clear_line(url: str, said: str) -> None:
    with pytest.raises(StateError) as refused:
        State.open(url)
    assert said in str(refused.value)
    assert "hidden" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("something else, long enough to be read as a header of a database file\n" * 50)
    with pytest.raises(StateError, match="not a database"):
        State.open(f"sqlite:///{path}")
