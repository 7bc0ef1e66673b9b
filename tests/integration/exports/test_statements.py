"""Statements issued from a real lake: frozen, voided, reissued, and the same in a rebuilt lake."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
import polars as pl
import pytest
from support.pipeline import NOW, Home
from support.sessions import bundle

from assets.checks.statements import differences
from assets.core import registries
from assets.exports.statements import PATH, Issue, issue_days, stale_days
from integrations.xapi import rules
from integrations.xapi.profile import published

PROFILE = published()
RUBRIC = {"rubric_id": "suitability-disclosure", "rubric_version": "1"}
CRITERIA = ("client_profile", "risk_disclosure", "cost_disclosure", "plain_language", "understanding_check",
            "decision_and_record")  # fmt: skip


def assessment(
    points: int = 4, at: str = "2026-11-02T10:00:00Z", scorer: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        **RUBRIC,
        "scorer": scorer or {"kind": "engine_llm", "id": "submit_suitability_v1", "version": "1"},
        "scored_at": at,
        "criteria": [{"criterion_id": each, "score": points, "evidence_turns": [0, 1]} for each in CRITERIA],
    }


def session(number: int = 1, *assessments: dict[str, Any], learner: str = "e1", **more: Any) -> dict[str, Any]:
    made = bundle(number, assessments=list(assessments or (assessment(),)), **more)
    made["launch"] |= {"scenario_id": "suitability-fund", "learner_id": learner}
    return made


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def issue(home: Home, now: datetime = NOW) -> Issue:
    home.settle()
    registries.learners(home.lake, home.identities.learners())
    done = issue_days(
        home.lake, stale_days(home.lake, home.catalog), catalog=home.catalog, pseudonym=home.identities.key, now=now
    )
    with duckdb.connect() as con:
        assert differences(con, home.lake, None) == []
    assert not stale_days(home.lake, home.catalog)
    return done


def rows(home: Home) -> list[dict[str, Any]]:
    files = home.lake.files(PATH)
    return pl.concat([pl.read_parquet(path) for path in files]).to_dicts() if files else []


def live(home: Home) -> dict[str, bytes]:
    issued = rows(home)
    gone = {row["voids"] for row in issued}
    return {r["statement_id"]: r["statement"] for r in issued if not r["voids"] and r["statement_id"] not in gone}


def test_every_statement_satisfies_the_profile(home: Home) -> None:
    home.land([session(n, learner=f"e{n % 3}") for n in range(9)])
    done = issue(home)
    assert done.new == len(rows(home)) > 9 * 8
    for row in rows(home):
        statement = orjson.loads(row["statement"])
        (template,) = rules.matching(statement, PROFILE)
        assert template.endswith("/" + row["template"])
        assert (statement["id"], statement["timestamp"][:19]) == (
            row["statement_id"], row["stated_at"].isoformat()[:19],
        )  # fmt: skip
    assert {row["kind"] for row in rows(home)} == {"attempt", "end", "verdict", "criterion", "mastery"}
    scored = next(orjson.loads(r["statement"]) for r in rows(home) if r["kind"] == "criterion")
    (evidence,) = [v for k, v in scored["result"]["extensions"].items() if k.endswith("/evidence")]
    assert evidence == [{"turn": 0, "start": 1, "end": 3}, {"turn": 1, "start": 3.5, "end": 5}]


def test_a_second_run_issues_nothing_and_a_rebuilt_lake_the_same(home: Home, tmp_path: Path) -> None:
    sessions = [session(n, learner=f"e{n % 3}") for n in range(9)]
    home.land(sessions)
    issue(home)
    before = rows(home)
    home.build(NOW)
    assert issue(home, NOW + timedelta(days=1)).new == 0
    assert rows(home) == before
    other = Home(tmp_path / "other")
    for each in reversed(sessions):
        other.land([each])
    issue(other, NOW + timedelta(days=9))
    assert live(other) == live(home)


def test_a_rescore_voids_and_issues_and_freezes_the_rest(home: Home) -> None:
    home.land([session(1, assessment(4))])
    issue(home)
    before = {row["statement_id"]: row for row in rows(home)}
    home.land([session(1, assessment(4), assessment(1, "2026-11-20T10:00:00Z"))])
    done = issue(home, NOW + timedelta(days=1))
    after = {row["statement_id"]: row for row in rows(home)}
    assert {key: after[key] for key in before} == before
    assert (done.voided, done.new) == (7, 14), "six criteria and the verdict"
    verdicts = sorted((r["revision"], r["template"]) for r in after.values() if r["kind"] == "verdict")
    assert verdicts == [(1, "session-passed"), (2, "session-failed")]


def test_a_review_overrules_and_names_nobody(home: Home) -> None:
    home.land([session(1, assessment(1))])
    issue(home)
    coach = {"kind": "human", "id": "coach@acme.example", "version": None}
    home.land([session(1, assessment(1), assessment(4, "2026-11-20T10:00:00Z", coach))])
    issue(home)
    (verdict,) = [b for b in map(orjson.loads, live(home).values()) if b["verb"]["id"].endswith("/passed")]
    assert verdict["result"]["score"]["raw"] == 100
    (review,) = [r for r in rows(home) if r["kind"] == "review"]
    assert orjson.loads(review["statement"])["actor"]["account"]["name"] == home.identities.key(
        "acme", "coach@acme.example"
    )
    assert "coach@" not in "".join(row["statement"] + row["subject"] for row in rows(home))


def test_tests_no_shows_and_strangers_say_nothing(home: Home) -> None:
    stranger = session(3)
    stranger["launch"] = {"tenant": "acme"}
    home.land([session(1, is_test=True), session(2, end_reason="no_show"), stranger])
    assert issue(home).new == len(rows(home))
    assert {row["session_id"] for row in rows(home)} <= {"generic:s-1"}


def test_an_older_session_moves_a_mastery(home: Home) -> None:
    home.land([session(4), session(6)])
    issue(home)
    reached = {row["session_id"] for row in rows(home) if row["kind"] == "mastery"}
    assert reached == {"generic:s-6"}
    home.land([session(2)])
    issue(home, NOW + timedelta(days=1))
    now = [orjson.loads(body) for body in live(home).values() if b"/mastered" in body.encode()]
    assert {each["timestamp"][:10] for each in now} == {"2026-11-05"}
    assert date(2026, 11, 7) in home.lake.days(PATH)


def test_manager_and_cohort_are_frozen_beside_the_statement(home: Home) -> None:
    from governance.identities import DirectoryEntry

    home.identities.record(
        [DirectoryEntry(tenant="acme", learner_id="e1", role="adviser", manager_id="m1", region="EMEA")]
    )
    home.land([session(1)])
    issue(home)
    for row in rows(home):
        added = orjson.loads(row["context_2_0"])
        assert added["contextAgents"][0]["agent"]["account"]["name"] == home.identities.key("acme", "m1")
        assert added["contextGroups"][0]["group"]["account"]["name"] == "cohort/adviser/EMEA"


def test_the_check_sees_what_is_missing_and_what_is_too_much(home: Home) -> None:
    home.land([session(1)])
    issue(home)
    day = date(2026, 11, 2)
    path = home.lake.path(PATH, day)
    frame = pl.read_parquet(path)
    spoilt = {
        "criterion": frame.filter(pl.col("subject") != '["suitability-disclosure","risk_disclosure"]'),
        "attempt": pl.concat([frame, frame.filter(pl.col("kind") == "attempt").with_columns(statement_id=pl.lit("x"))]),
        "a voiding refers": frame.with_columns(voids=pl.when(pl.col("kind") == "end").then(pl.lit("y"))),
    }
    for word, broken in spoilt.items():
        broken.write_parquet(path)
        with duckdb.connect() as con:
            assert any(word in line for line in differences(con, home.lake, [day])), word
    path.unlink()
    with duckdb.connect() as con:
        assert len(differences(con, home.lake, [day])) == 4, "attempt, end, verdict and criteria of a lost file"
