"""Decisions about one entry of a list: each belongs to the entry that was shown, whoever else works on the list."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from support.dashboard_home import NOW
from support.published import publish_frames
from support.synthetic import Draw, core_frames

from dashboards import access
from dashboards.views.review_queue import adjustment
from governance.access import Role, Thing
from governance.access.claims import local_user
from governance.escalations import Escalations, Rule, Rules, Signal
from governance.reviews import ReviewRefusedError, Reviews, Subject
from governance.settings import Settings

Opener = Callable[..., AppTest]
OTHER = local_user("somebody else", [Role.compliance])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A home of its own, since what is decided stays."""
    publish_frames(tmp_path / "marts" / "acme", core_frames(Draw(sessions=60, learners=8)), now=NOW)
    return tmp_path


def reviews_of(path: Path) -> Reviews:
    return Reviews(access.state_of(Settings(home=path, _env_file=None).database_url))  # type: ignore[call-arg]


def press(page: AppTest, label: str) -> None:
    next(each for each in page.button if each.label == label).click().run()
    assert not page.exception


def test_a_decision_is_shown_and_the_next_session_starts_with_an_empty_form(path: Path, open_page: Opener) -> None:
    page = open_page("review_queue", at=path)
    first, second = page.selectbox(key="review-session").options[:2]
    press(page, "Decide")
    assert "give a reason" in page.error[0].value
    page.text_area[0].set_value("Heard the recording")
    press(page, "Decide")
    assert page.success[0].value == f"{first}: the score is accepted."
    assert page.selectbox(key="review-session").options[0] == second
    assert page.text_area[0].value == ""
    press(page, "Decide")
    assert "give a reason" in page.error[0].value
    assert reviews_of(path).frame("acme")["session_id"].to_list() == [first]


def test_a_session_that_somebody_else_reviewed_hands_its_form_to_no_other(path: Path, open_page: Opener) -> None:
    page = open_page("review_queue", at=path)
    first = page.selectbox(key="review-session").options[0]
    page.text_area[0].set_value("Heard the recording")
    subject = Subject("regulated-disclosure", "1", "engine_llm", "tool", "1", 1)
    reviews_of(path).decide(OTHER, Thing.session("acme", first, None, None), subject, "reject", "A test call")
    reviewed = reviews_of(path).frame("acme")
    press(page, "Decide")
    assert first in page.warning[0].value
    assert "Nothing of yours was recorded" in page.warning[0].value
    assert reviews_of(path).frame("acme").equals(reviewed)


def test_who_comes_back_from_a_replay_finds_the_session_they_had_chosen(path: Path, open_page: Opener) -> None:
    page = open_page("review_queue", at=path)
    third = page.selectbox(key="review-session").options[2]
    page.selectbox(key="review-session").set_value(third).run()
    page.switch_page("views/session_replay.py").run()
    page.switch_page("views/review_queue.py").run()
    assert page.selectbox(key="review-session").value == third


def test_scores_and_verdict_have_to_agree() -> None:
    assert adjustment("accept", {"price": 3.0}, {"price": 3.0}) is None
    assert adjustment("adjust", {"price": 2.0}, {"price": 3.0}) == {"price": 2.0}
    with pytest.raises(ReviewRefusedError, match="only “Adjust it” keeps them"):
        adjustment("accept", {"price": 2.0}, {"price": 3.0})
    with pytest.raises(ReviewRefusedError, match="no score was changed"):
        adjustment("adjust", {"price": 3.0}, {"price": 3.0})


def test_a_closed_case_leaves_its_note_to_no_other(path: Path, open_page: Opener) -> None:
    rules = Rules(rules=[Rule(states=["triggered"], severities=["high"], due_hours=4)], unknown_severity="high")
    cases = Escalations(reviews_of(path).state, rules, {})
    at = datetime(2026, 11, 2, 9, tzinfo=UTC)
    cases.open([Signal("acme", f"cvi:{each}", "guardrail", "no_guarantee", "triggered", at) for each in ("a", "b")])
    page = open_page("escalations", at=path)
    closed = page.selectbox(key="case").value
    page.text_area[0].set_value("Spoke to the learner")
    press(page, "Acknowledge")
    assert page.success[0].value.endswith("is acknowledged.")
    assert page.text_area[0].value == ""
    page.text_area[0].set_value("Trained them")
    press(page, "Close")
    assert page.success[0].value.endswith("is closed.")
    assert page.selectbox(key="case").value != closed
    assert page.text_area[0].value == ""
    press(page, "Close")
    assert "say what was done" in page.error[0].value
    assert cases.frame("acme").filter(state="closed")["case_id"].to_list() == [closed]
