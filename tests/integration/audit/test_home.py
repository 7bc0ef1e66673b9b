"""What `rolecall audit verify` finds in a home, and that it finds nothing where nothing was done."""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import sqlite
from support.command import Command
from support.practised import Practised

from benchmarks.tampering import KINDS, Tampering
from governance.access.log import AccessLog, Entry
from governance.audit.home import Verdict, verify_home
from governance.audit.roots import write_root
from governance.settings import Settings
from governance.state import State


@contextmanager
def opened(home: Path) -> Iterator[tuple[Settings, State]]:
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    state = State.open(settings.database_url)
    yield settings, state
    state.close()


def verdict(home: Path) -> Verdict:
    with opened(home) as (settings, state):
        return verify_home(settings, state)


@pytest.fixture(scope="module")
def intact(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The practised home with a second root and looks after it."""
    made = practised.copy(tmp_path_factory.mktemp("intact") / "home")
    with opened(made) as (settings, state):
        log = AccessLog(state)
        log.record(Entry("local", "open_session", "acme", True, session_id="cvi:1", learner_key="l_1"))
        write_root(settings, state)
        log.record_many([Entry("local", "view_health", "acme", True) for _ in range(3)])
    with sqlite.opened(made / "state.db") as con:
        con.execute("pragma wal_checkpoint(truncate)")
    return made


def test_an_untouched_home_is_intact(intact: Path) -> None:
    found = verdict(intact)
    assert found.findings == []
    assert min(found.counts[name] for name in ("events", "roots", "lake files", "published versions", "batches")) >= 1


@pytest.mark.parametrize("tamper", KINDS, ids=lambda each: each.__name__)
def test_a_tampering_is_found_and_located(intact: Path, tmp_path: Path, tamper: Tampering) -> None:
    home = tmp_path / "home"
    shutil.copytree(intact, home, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
    place = tamper(random.Random(7), home)
    found = verdict(home)
    assert any(place in f"{each.where}" for each in found.findings), (place, found.findings)


def test_the_command_says_where_and_fails(intact: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(intact, home, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
    rolecall = Command(home)
    assert "intact (" in rolecall("audit", "verify")
    with sqlite.opened(home / "state.db") as con:
        con.execute("update audit_events set actor = 'somebody else' where seq = 2")
    assert "event 2: its actor, object or content was altered" in rolecall.fails("audit", "verify")


def test_runs_that_change_nothing_or_rebuild_all_leave_it_intact(intact: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(intact, home, symlinks=True)
    rolecall = Command(home)
    rolecall("run", "--full")
    rolecall("export", "xapi", "--out", str(tmp_path / "out"))
    assert verdict(home).findings == []
