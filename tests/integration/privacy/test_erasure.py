"""People are forgotten: what was theirs is nowhere below the home afterwards, and what the law keeps stays."""

import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.command import Command
from support.practised import SESSIONS, Practised
from support.traces import traces


@pytest.fixture(scope="module")
def simulation(practised: Practised) -> Path:
    return practised.delivered


@pytest.fixture(scope="module")
def rolecall(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(practised.copy(tmp_path_factory.mktemp("erasure") / "home"))


def people(simulation: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (simulation / "learners.jsonl").read_text("utf-8").splitlines()]


def sessions_of(simulation: Path) -> dict[str, set[str]]:
    """Session ids by learner id, from the launches."""
    found: dict[str, set[str]] = {}
    for line in (simulation / "launches.jsonl").read_text("utf-8").splitlines():
        launch = json.loads(line)
        if launch.get("learner_id"):
            found.setdefault(launch["learner_id"], set()).add(f"cvi:{launch['conversation_id']}")
    return found


@pytest.mark.timeout(900)  # a dozen commands over a home of its own
def test_people_are_forgotten_and_whoever_is_held_stays(simulation: Path, rolecall: Command) -> None:
    practised = rolecall.rows("select learner_key, count(*) as n from sessions group by 1")
    assert len(practised) > 6
    ids = [person["learner_id"] for person in people(simulation)]
    mine = sessions_of(simulation)
    free = [learner for learner in ids if mine.get(learner) and not _regulated(simulation, learner)]
    chosen = random.Random(1).sample(free, 4)
    gone, held = chosen[:3], chosen[3]
    sentences = _sentences(rolecall, {session for learner in gone for session in mine[learner]})
    assert sentences
    names = {str(person[key]) for person in people(simulation) if person["learner_id"] in gone
             for key in ("learner_id", "name", "email") if person.get(key)}  # fmt: skip
    assert traces(rolecall.home, names | sentences)

    rolecall("privacy", "hold", "--learner", held, "--reason", "case 7/26")
    dry = rolecall("privacy", "erase", *gone, held, "--dry-run")
    assert "3 of 4 learners would be forgotten altogether" in dry
    said = rolecall("privacy", "erase", *gone, held)
    assert "held: legal hold: case 7/26" in said
    assert "3 of 4 learners forgotten altogether" in said

    assert traces(rolecall.home, names | sentences) == []
    assert "has no learner" in rolecall.fails("privacy", "erase", gone[0])
    kept = rolecall.value("select count(*) from sessions")
    assert kept == SESSIONS - sum(len(mine[learner]) for learner in gone) - _bundled(simulation, gone)
    assert "Nothing new" in rolecall("run")
    rolecall("audit", "verify")
    rolecall("ingest", str(simulation))  # the files still hold them: whoever was erased stays out
    rolecall("run")
    with sqlite3.connect(f"file:{rolecall.home / 'state.db'}?mode=ro", uri=True) as con:
        assert con.execute("select count(*) from ingest_rejects where rule = 'erased'").fetchone()[0] > 0
    assert rolecall.value("select count(*) from sessions") == kept
    for name in ("criterion_scores", "turns", "media"):
        orphans = f"select count(*) from {name} anti join sessions using (session_id)"
        assert name == "turns" or rolecall.value(orphans) == 0


def _launches(simulation: Path) -> Iterator[dict[str, Any]]:
    for name in ("launches", "bundles"):
        for line in (simulation / f"{name}.jsonl").read_text("utf-8").splitlines():
            record = json.loads(line)
            yield record if name == "launches" else record.get("launch") or {}


def _regulated(simulation: Path, learner: str) -> bool:
    return any(
        each.get("learner_id") == learner and each.get("scenario_id") == "suitability-fund"
        for each in _launches(simulation)
    )


def _bundled(simulation: Path, learners: list[str]) -> int:
    bundles = [json.loads(line) for line in (simulation / "bundles.jsonl").read_text("utf-8").splitlines()]
    return sum((bundle.get("launch") or {}).get("learner_id") in learners for bundle in bundles)


def _sentences(rolecall: Command, sessions: set[str]) -> set[str]:
    """Long sentences that were said in these sessions and that no other session quotes anywhere."""
    core = rolecall.home / "lake" / "core"
    turns = [str(path) for path in (core / "turns").rglob("*.parquet")]
    said = duckdb.sql(f"select session_id, text from read_parquet({turns}) where speaker = 'learner'").fetchall()
    others = "".join(
        str(row)
        for table in ("turns", "signals", "criterion_scores")
        for path in (core / table).rglob("*.parquet")
        for row in duckdb.sql(f"from read_parquet('{path}')").fetchall()
        if not sessions.intersection(map(str, row))
    )
    return {text for session, text in said if session in sessions and len(text) > 40 and text not in others}
