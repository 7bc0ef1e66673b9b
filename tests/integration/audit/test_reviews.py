"""From a review on a page to core, by way of the chain, with real runs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.command import Command
from support.practised import Practised

from governance.access import Role, Thing, User
from governance.access.claims import local_user
from governance.reviews import ReviewRefusedError, Reviews, Subject
from governance.settings import Settings
from governance.state import State

SCORE = "session_id, learner_key, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version, revision, overall"


def officer(name: str) -> User:
    return local_user(name, [Role.compliance])


def test_reviews_reach_core_as_states_and_new_scores(practised: Practised, tmp_path: Path) -> None:
    home = practised.copy(tmp_path / "home")
    rolecall = Command(home)
    rows = rolecall.rows(
        f"select {SCORE} from session_scores where scorer_kind = 'engine_llm' and is_latest and learner_key is not null"
        " and not passed order by 1"
    )
    rejected, accepted, adjusted = rows[:3]
    count = len(scores(rolecall))
    state = State.open(Settings(home=home, _env_file=None).database_url)  # type: ignore[call-arg]
    reviews = Reviews(state)
    for row, verdict in ((rejected, "reject"), (accepted, "accept"), (adjusted, "adjust")):
        thing = Thing.session("acme", row["session_id"], row["learner_key"], "EMEA")
        criteria = {
            each["criterion_id"]: each["score_max"]
            for each in rolecall.rows(
                f"select criterion_id, score_max from criterion_scores where session_id = '{row['session_id']}'"
            )
        }
        given = {"adjusted": criteria} if verdict == "adjust" else {}
        reviews.decide(officer("local"), thing, Subject.of(row), verdict, "Heard the recording", **given)  # type: ignore[arg-type]
    state.close()
    rolecall("run")
    found = rolecall.rows(f"select {SCORE}, review_state from session_scores where is_latest")
    states = {(row["session_id"], row["scorer_kind"]): row["review_state"] for row in found}
    assert [states[row["session_id"], "engine_llm"] for row in rows[:3]] == ["rejected", "accepted", "adjusted"]
    mine = [r for r in found if r["session_id"] == adjusted["session_id"]]
    assert {row["scorer_kind"] for row in mine} == {"engine_llm", "human"}, (
        "the earlier score stands beside the new one"
    )
    assert max(row["overall"] for row in mine) == 1.0
    assert "intact (" in rolecall("audit", "verify")
    before = scores(rolecall)
    assert len(before) == count + 1, "the adjustment, and nothing else, is a new score"
    assert "Nothing new" in rolecall("run"), "reviews land once, however often they are read"
    assert scores(rolecall) == before


def scores(rolecall: Command) -> list[dict[str, Any]]:
    """Every score with its review."""
    return rolecall.rows(f"select {SCORE}, review_state, is_latest from session_scores order by all")


@pytest.fixture
def reviews(tmp_path: Path) -> Reviews:
    return Reviews(State.open(f"sqlite:///{tmp_path / 'state.db'}"))


SUBJECT = Subject("suitability", "1", "engine_llm", "submit", "t-1", 1)
THING = Thing.session("acme", "cvi:1", "l_1", "EMEA")


def test_four_eyes_need_two_people_of_one_mind(reviews: Reviews) -> None:
    def says(who: str, verdict: str) -> str:
        return reviews.decide(officer(who), THING, SUBJECT, verdict, "because", four_eyes=True)  # type: ignore[arg-type]

    assert says("a", "accept") == "pending"
    assert says("a", "accept") == "pending", "the same person twice is one pair of eyes"
    assert says("b", "reject") == "pending"
    assert says("a", "reject") == "rejected"
    assert len(reviews.history("acme", "cvi:1")) == 4, "nothing is overwritten"
    (row,) = reviews.frame("acme").iter_rows(named=True)
    assert (row["state"], row["by_two"]) == ("rejected", True)


def test_a_review_needs_a_right_and_a_reason(reviews: Reviews) -> None:
    with pytest.raises(ReviewRefusedError, match="may not review"):
        reviews.decide(local_user("x", [Role.auditor]), THING, SUBJECT, "accept", "because")
    with pytest.raises(ReviewRefusedError, match="reason"):
        reviews.decide(officer("a"), THING, SUBJECT, "accept", "  ")
    with pytest.raises(ReviewRefusedError, match="adjustment"):
        reviews.decide(officer("a"), THING, SUBJECT, "adjust", "because")
    assert reviews.frame().is_empty()


def test_a_learner_contests_their_own_session_until_somebody_reviews_it(reviews: Reviews) -> None:
    learner = User("l", frozenset({Role.learner}), frozenset({"acme"}), None, own=frozenset({"l_1"}))
    other = User("m", frozenset({Role.learner}), frozenset({"acme"}), None, own=frozenset({"l_2"}))
    with pytest.raises(ReviewRefusedError):
        reviews.contest(other, THING, "not fair")
    reviews.contest(learner, THING, "I did name the costs", datetime(2026, 11, 3, tzinfo=UTC))
    assert reviews.contested("acme") == {"cvi:1": "I did name the costs"}
    reviews.decide(officer("a"), THING, SUBJECT, "accept", "they were not named")
    assert reviews.contested("acme") == {}
