"""People are forgotten: what was theirs is nowhere below the home afterwards, and what the law keeps stays."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import sqlite
from support.command import ROOT, Command
from support.planted import LEARNER
from support.practised import SESSIONS, Practised
from support.traces import traces

HELD = 4
SESSION_FILES = ("launches.jsonl", "deliveries.jsonl", "relay", "bundles.jsonl", "outcomes.jsonl", "outcomes.csv")


@pytest.fixture(scope="module")
def rolecall(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The whole home, bookkeeping of Dagster included, under rules that keep nobody's sessions by law."""
    folder = tmp_path_factory.mktemp("erasure")
    shutil.copytree(ROOT / "config", folder / "config")
    rules = folder / "config" / "retention.yaml"
    rules.write_text(rules.read_text("utf-8").replace("suitability-fund: sec", "suitability-fund: default"), "utf-8")
    return Command(practised.copy(folder / "home", whole=True), ROLECALL_CONFIG=str(folder / "config"))


@pytest.fixture(scope="module")
def people(rolecall: Command) -> list[dict[str, Any]]:
    """The identity store, those with sessions first."""
    with sqlite.reading(rolecall.home / "state.db") as con:
        con.row_factory = sqlite3.Row
        rows = con.execute(
            "select *, (select count(*) from launches where launches.learner_key = identities.learner_key) as n"
            " from identities order by n desc, learner_id"
        )
        return [dict(row) for row in rows]


def test_what_the_law_keeps_is_refused_with_its_basis(practised: Practised, rolecall: Command) -> None:
    regulated = next(
        launch["learner_id"]
        for launch in _launches(practised.delivered)
        if launch.get("learner_id") and launch.get("scenario_id") == "suitability-fund"
    )
    said = Command(rolecall.home)("privacy", "erase", regulated, "--dry-run")
    assert "retained until 2032-11-" in said
    assert "retention class sec: SEC Rule 17a-4" in said
    assert "0 of 1 learners would be forgotten" in said


@pytest.mark.timeout(900)  # a dozen commands over a home of its own, on a machine that may be busy
def test_fifty_people_are_forgotten_and_whoever_is_held_stays(
    practised: Practised, rolecall: Command, people: list[dict[str, Any]]
) -> None:
    held = [person["learner_id"] for person in people if person["n"] and person["learner_id"] != LEARNER][:HELD]
    gone = [person for person in people if person["learner_id"] not in held]
    assert len(gone) >= 50
    mine = _sessions_of(practised, {person["learner_id"] for person in gone})
    ids = mine | {session.partition(":")[2] for session in mine}
    words = ids | {str(person[name]) for person in gone for name in ("learner_id", "name", "email") if person[name]}
    # Statements about whoever stays are frozen, and name the manager by a pseudonym that stands for nobody now.
    managers = {person["manager_id"] for person in people if person["learner_id"] in held}
    words |= {person["learner_key"] for person in gone if person["learner_id"] not in managers}
    sentences = _sentences(rolecall, mine)
    assert len(sentences) > 50
    found = {word for _, word in traces(rolecall.home, words | sentences)}
    assert found >= sentences, "the search finds what is there"

    for learner in held:
        rolecall("privacy", "hold", "--learner", learner, "--reason", "case 7/26")
    said = rolecall("privacy", "erase", *(person["learner_id"] for person in gone), *held)
    assert "held: legal hold: case 7/26" in said
    assert f"{len(gone)} of {len(people)} learners forgotten altogether" in said
    assert "kept by others, ask them to delete it: engine, conversation" in said

    assert traces(rolecall.home, words | sentences) == []
    assert "has no learner" in rolecall.fails("privacy", "erase", gone[0]["learner_id"])
    kept = rolecall.value("select count(*) from sessions")
    assert kept == SESSIONS - len(mine)
    assert _orphans(rolecall.home) == {}
    assert "intact" in rolecall("audit", "verify")

    files = [folder / name for folder in (practised.delivered, practised.planted) for name in SESSION_FILES]
    rolecall("ingest", *(str(path) for path in files if path.exists()), "--tenant", "acme")
    rolecall("run")
    assert rolecall.value("select count(*) from sessions") == kept, "the files still hold them, who stay out"
    with sqlite.reading(rolecall.home / "state.db") as con:
        refused = "select kind from ingest_rejects join ingest_batches using (batch_id) where rule = 'erased'"
        assert {kind for (kind,) in con.execute(refused)} >= {"launches", "bundles", "outcomes"}
    again = {word for _, word in traces(rolecall.home, words | sentences)}
    assert again <= ids, "deliveries come under their session's id"


def _orphans(home: Path) -> dict[str, int]:
    """Rows of core and of the frozen statements whose session is gone, by table; voidings name nobody."""
    core = home / "lake" / "core"
    known = f"read_parquet('{core}/sessions/*/*.parquet')"
    tables = {path.parent.parent for path in (home / "lake").glob("*/*/day=*/*.parquet")}
    found = {}
    for table in sorted(tables):
        rows = duckdb.read_parquet(f"{table}/*/*.parquet")
        if "session_id" in rows.columns:
            count = duckdb.execute(
                f"select count(*) from read_parquet('{table}/*/*.parquet') anti join {known} using (session_id)"
            )
            found[f"{table.parent.name}/{table.name}"] = count.fetchall()[0][0]
    return {name: count for name, count in found.items() if count}


def _launches(folder: Path) -> Iterator[dict[str, Any]]:
    for name in ("launches", "bundles"):
        for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines():
            record = json.loads(line)
            yield record if name == "launches" else {**record, **(record.get("launch") or {})}


def _sessions_of(practised: Practised, learners: set[str]) -> set[str]:
    """Ids of the learners' sessions, from launches and bundles."""
    return {
        f"cvi:{launch['conversation_id']}" if "conversation_id" in launch else f"generic:{launch['engine_session_id']}"
        for folder in (practised.delivered, practised.planted)
        for launch in _launches(folder)
        if launch.get("learner_id") in learners
    }


def _sentences(rolecall: Command, sessions: set[str]) -> set[str]:
    """Long sentences that were said in these sessions and that no other session quotes anywhere."""
    core = rolecall.home / "lake" / "core"
    turns = [str(path) for path in (core / "turns").rglob("*.parquet")]
    said = duckdb.execute(f"select session_id, text from read_parquet({turns}) where speaker = 'learner'").fetchall()
    others = "".join(
        str(row)
        for table in ("turns", "signals", "criterion_scores")
        for path in (core / table).rglob("*.parquet")
        for row in duckdb.execute(f"from read_parquet('{path}')").fetchall()
        if not sessions.intersection(map(str, row))
    )
    return {text for session, text in said if session in sessions and len(text) > 40 and text not in others}
