"""A frozen learner's data stays where it is and goes nowhere, until the restriction is lifted (GDPR Article 18)."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support import sqlite
from support.command import Command
from support.practised import Practised
from support.published import build_published
from support.writeback import NOW, Table

from assets.exports.delivery import Post, Wish
from assets.lake import Lake
from governance.identities import Identities
from governance.privacy.restrictions import RestrictionError, Restrictions
from governance.secrets import secret_key
from governance.settings import Settings
from governance.state import State
from integrations.sync.ledger import Ledger
from integrations.xapi.destinations import Destination

PERIOD = ("--from", "2026-11-02", "--to", "2026-11-07")
BASIS = "GDPR 18(1)(a), letter of 3 May"
TOLD = ("--basis", "verified, told on 9 May")


@pytest.fixture(scope="module")
def rolecall(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(practised.copy(tmp_path_factory.mktemp("frozen") / "home"))


@pytest.fixture(scope="module")
def learner(rolecall: Command) -> str:
    """The learner id with most sessions."""
    key = rolecall.value(
        "select learner_key from sessions where attributed and not is_test group by 1 order by count(*) desc, 1 limit 1"
    )
    with sqlite.reading(rolecall.home / "state.db") as con:
        ((learner_id,),) = con.execute("select learner_id from identities where learner_key = ?", (key,)).fetchall()
    return learner_id


@pytest.fixture
def frozen(rolecall: Command, learner: str) -> Iterator[str]:
    """The learner's key, while the learner is frozen."""
    rolecall("privacy", "freeze", learner, "--basis", BASIS)
    with sqlite.reading(rolecall.home / "state.db") as con:
        ((key,),) = con.execute("select learner_key from identities where learner_id = ?", (learner,)).fetchall()
    yield key
    rolecall("privacy", "unfreeze", learner, *TOLD)


def due(home: Path) -> set[str]:
    """Sessions of which a new Learning Record Store would receive something."""
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    state = State.open(settings.database_url)
    try:
        post = Post(Lake(settings.lake), Ledger(state), Identities(state, secret_key(settings)))
        return set(post.plan(Wish("lrs", Destination()), NOW).statements["session_id"])
    finally:
        state.close()


def sessions(rolecall: Command, key: str) -> set[str]:
    rows = rolecall.rows(f"select session_id from sessions where learner_key = '{key}'")
    return {row["session_id"] for row in rows}


def report(rolecall: Command, folder: Path) -> dict[str, Any]:
    rolecall("audit", "report", *PERIOD, "--out", str(folder / "r.json"))
    return json.loads((folder / "r.json").read_text("utf-8"))


def test_statements_of_a_frozen_learner_wait(rolecall: Command, frozen: str, tmp_path: Path) -> None:
    theirs = sessions(rolecall, frozen)
    waiting = due(rolecall.home)
    assert waiting
    assert not theirs & waiting

    rolecall("export", "xapi", "--out", str(tmp_path))
    written = "".join(file.read_text("utf-8") for file in tmp_path.glob("acme/*/*.jsonl"))
    assert written
    assert frozen not in written


def test_what_waited_goes_out_once_the_restriction_is_lifted(rolecall: Command, learner: str) -> None:
    before = due(rolecall.home)
    rolecall("privacy", "freeze", learner, "--basis", BASIS)
    assert due(rolecall.home) < before
    rolecall("privacy", "unfreeze", learner, *TOLD)
    assert due(rolecall.home) == before


def test_report_and_subject_access_say_that_somebody_is_frozen(
    rolecall: Command, frozen: str, learner: str, tmp_path: Path
) -> None:
    written = report(rolecall, tmp_path)
    assert {row["learner_key"] for row in written["sessions"] if row["restriction"] == BASIS} == {frozen}
    assert {row["restriction"] for row in written["sessions"] if row["learner_key"] != frozen} == {None}
    assert any(event["action"] == "restriction" for event in written["changes"])

    rolecall("privacy", "access", learner, "--out", str(tmp_path))
    document = json.loads((tmp_path / learner / "data.json").read_text("utf-8"))
    parts = {part["name"]: part["rows"] for part in document["parts"]}
    assert [row["basis"] for row in parts["state/restrictions"] if row["lifted_at"] is None] == [BASIS]
    assert BASIS in rolecall("privacy", "frozen")
    assert "intact" in rolecall("audit", "verify")


def test_refusals_name_the_remedy(rolecall: Command, frozen: str, learner: str) -> None:
    assert "frozen already; `rolecall privacy frozen`" in rolecall.fails(
        "privacy", "freeze", learner, "--basis", "again"
    )
    assert "has no learner nobody" in rolecall.fails("privacy", "freeze", "nobody", "--basis", "x")
    assert "needs a basis" in rolecall.fails("privacy", "freeze", learner, "--basis", " ")


def test_the_learners_own_request_for_erasure_goes_before(practised: Practised, learner: str, tmp_path: Path) -> None:
    rolecall = Command(practised.copy(tmp_path / "home"))
    rolecall("privacy", "freeze", learner, "--basis", BASIS)
    decided = rolecall("privacy", "erase", learner, "--dry-run")
    assert "erased: request of the data subject" in decided
    assert "restriction of processing" not in decided


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield opened
    opened.close()


def test_all_or_none_are_frozen(state: State) -> None:
    restrictions, at = Restrictions(state), datetime(2026, 5, 3, tzinfo=UTC)
    restrictions.place("acme", ["l_a"], basis=BASIS, by="dpo", at=at)
    with pytest.raises(RestrictionError, match="frozen already"):
        restrictions.place("acme", ["l_b", "l_a"], basis=BASIS, by="dpo", at=at)
    with pytest.raises(RestrictionError, match="not frozen"):
        restrictions.lift("acme", ["l_a", "l_b"], basis="told", by="dpo", at=at)
    assert restrictions.standing("acme") == {"l_a": BASIS}
    assert restrictions.standing("globex") == {}
    restrictions.lift("acme", ["l_a"], basis="told", by="dpo", at=at)
    assert restrictions.standing() == {}
    assert restrictions.frame("acme")["lifted_by"].to_list() == ["dpo"]


def test_a_crm_keeps_what_it_has_of_a_frozen_person_and_gets_nothing_new(tmp_path: Path) -> None:
    build_published(tmp_path / "marts", learners=24, sessions=200)
    table = Table(tmp_path, 24, tmp_path / "marts")
    keys = sorted(table.accounts)
    restrictions = Restrictions(table.home.state)
    restrictions.place("acme", keys[:1], basis=BASIS, by="dpo", at=NOW)
    clearing = table.connector.model_copy(
        update={"write": table.connector.write.model_copy(update={"removed": "clear"})}  # type: ignore[union-attr]
    )
    table.practice.desk.write(clearing, lambda: NOW)
    held = _people(table)
    assert held[int(table.accounts[keys[0]])] is None
    assert all(held[int(table.accounts[key])] for key in keys[1:])

    restrictions.place("acme", keys[1:2], basis=BASIS, by="dpo", at=NOW)
    table.practice.desk.write(clearing, lambda: NOW, force=True)
    assert _people(table) == held  # neither changed nor cleared


def _people(table: Table) -> dict[int, str | None]:
    with sqlite.opened(table.path) as con:
        return dict(con.execute("select id, source from people"))


def test_sessions_of_nobody_are_none(tmp_path: Path) -> None:
    from assets.exports.restricted import sessions_of

    assert sessions_of(Lake(tmp_path), {"l_a"}).is_empty()
    folder = Lake(tmp_path).path("core/sessions", date(2026, 11, 2))
    folder.parent.mkdir(parents=True)
    pl.DataFrame({"session_id": ["s1", "s2"], "learner_key": ["l_a", None]}).write_parquet(folder)
    assert sessions_of(Lake(tmp_path), {"l_a"}).to_list() == ["s1"]
