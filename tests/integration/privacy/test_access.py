"""A person is given everything that is held about them, and nothing about anybody else."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from support import sqlite
from support.command import Command
from support.practised import Practised


@pytest.fixture(scope="module")
def rolecall(practised: Practised, tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(practised.copy(tmp_path_factory.mktemp("access") / "home"))


@pytest.fixture(scope="module")
def people(practised: Practised) -> dict[str, dict[str, Any]]:
    lines = (practised.delivered / "learners.jsonl").read_text("utf-8").splitlines()
    return {person["learner_id"]: person for person in map(json.loads, lines)}


def test_everything_of_a_person_and_nothing_of_others(
    rolecall: Command, people: dict[str, dict[str, Any]], practised: Practised, tmp_path: Path
) -> None:
    launches = map(json.loads, (practised.delivered / "launches.jsonl").read_text("utf-8").splitlines())
    started = [launch["learner_id"] for launch in launches if launch.get("learner_id")]
    somebody, another = sorted(set(started), key=lambda each: (-started.count(each), each))[:2]
    rolecall("privacy", "hold", "--learner", somebody, "--reason", "case 7/26")
    said = rolecall("privacy", "access", somebody, another, "--out", str(tmp_path), "--reason", "letter of 3 May")
    assert f"{somebody}: " in said

    document = json.loads((tmp_path / somebody / "data.json").read_text("utf-8"))
    parts = {part["name"]: part for part in document["parts"]}
    assert parts["state/identities"]["rows"][0]["email"] == people[somebody]["email"]
    assert all(part["source"] and part["kept"] and part["what"] for part in parts.values())
    for name in ("sessions", "session_scores", "criterion_scores", "signals", "outcomes", "media", "learners"):
        key = document["learner_key"]
        theirs = (
            f"learner_key = '{key}'"
            if name in ("sessions", "session_scores", "outcomes", "learners")
            else f"session_id in (select session_id from sessions where learner_key = '{key}')"
        )
        assert parts[f"core/{name}"]["count"] == rolecall.value(f"select count(*) from {name} where {theirs}"), name
    for name in ("raw/deliveries", "core/turns", "exports/xapi_statements", "state/inbox", "marts/learner_progress"):
        assert parts[name]["count"] > 0, name
    assert any(row["text"] for row in parts["core/turns"]["rows"])
    assert {session["retention_class"] for session in document["sessions"]} <= {"default", "sec"}
    assert all(session["holds"] == ["case 7/26"] for session in document["sessions"])
    assert len(document["sessions"]) == len({row["session_id"] for row in parts["state/launches"]["rows"]})
    assert [look["reason"] for look in document["looks"]] == ["letter of 3 May"]

    with (tmp_path / somebody / "media.csv").open(encoding="utf-8", newline="") as file:
        assert [row["uri"] for row in csv.DictReader(file)] == [each["uri"] for each in document["media"]]
    text = (tmp_path / somebody / "data.json").read_text("utf-8")
    strangers = people.keys() - {somebody, people[somebody]["manager_id"]}
    for name in ("learner_id", "name", "email"):
        assert not [person for person in strangers if f'"{people[person][name]}"' in text]


def test_two_answers_differ_in_who_looked_alone(rolecall: Command, tmp_path: Path) -> None:
    learner = rolecall.value("select learner_key from sessions where learner_key is not null order by 1 limit 1")
    assert learner  # a key is no id, and names nobody
    assert "has no learner" in rolecall.fails("privacy", "access", learner, "--out", str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
    (somebody,) = _ids(rolecall, 1)
    answers = []
    for name in ("first", "second"):
        rolecall("privacy", "access", somebody, "--out", str(tmp_path / name))
        answers.append(json.loads((tmp_path / name / somebody / "data.json").read_text("utf-8")))
    first, second = answers
    assert len(second["looks"]) == len(first["looks"]) + 1
    for each in answers:
        del each["looks"], each["generated_at"]
        each["parts"] = [part for part in each["parts"] if part["name"] != "state/audit_events"]
    assert first == second
    assert "intact" in rolecall("audit", "verify")


def _ids(rolecall: Command, count: int) -> list[str]:
    with sqlite.reading(rolecall.home / "state.db") as con:
        rows = con.execute("select learner_id from identities order by learner_id limit ?", (count,)).fetchall()
    return [learner for (learner,) in rows]
