"""The page Retention: every session counts once, under what becomes of it today."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest
from support.dashboard_home import NOW
from support.published import publish_frames
from support.synthetic import Draw, core_frames

from dashboards.views.retention import classes, sentence
from governance.privacy.holds import Hold, Holds
from governance.privacy.retention import Retention, RetentionClass
from governance.state import State

TODAY = date(2026, 11, 28)
RULES = Retention(
    version="7",
    approved_by="DPO",
    classes={
        "default": RetentionClass(basis="policy", most_days=100),
        "sec": RetentionClass(basis="rule", keep_days=200, most_days=300),
    },
    scenarios={"fund": "sec"},
)


def counted(scenario: str | None, age: int, sessions: int, learner: str | None = None) -> dict[str, Any]:
    day = TODAY - timedelta(days=age)
    return {"scenario_id": scenario, "day": day, "learner_key": learner, "sessions": sessions}


COUNTED = [
    counted(None, 10, 5),
    counted("talk", 100, 3),  # at the end of its class
    counted("talk", 150, 1, "held"),
    counted("talk", 150, 1, "frozen"),
    counted("fund", 199, 4),
    counted("fund", 250, 2),  # the law asks no more, the class does not end yet
    counted("fund", 300, 1),
]
HOLDS = [Hold("h1", "held", None, "case 7")]


def test_each_session_counts_once_under_what_becomes_of_it() -> None:
    default, sec = classes(RULES, COUNTED, HOLDS, {"frozen": "letter"}, TODAY)
    assert (default["sessions"], default["held"], default["kept_by_law"], default["due"]) == (10, 1, 0, 3)
    assert (sec["sessions"], sec["held"], sec["kept_by_law"], sec["due"]) == (7, 0, 4, 1)
    assert default["oldest"] == TODAY - timedelta(days=150)


def test_a_hold_on_a_scenario_covers_whoever_did_it() -> None:
    _, sec = classes(RULES, COUNTED, [Hold("h2", None, "fund", "case 8")], {}, TODAY)
    assert (sec["held"], sec["due"]) == (7, 0)


def test_the_sentence_adds_the_classes_up_and_a_class_without_sessions_says_none() -> None:
    told = sentence(classes(RULES, COUNTED, HOLDS, {}, TODAY), 1, 0, RULES).replace("\u00a0", " ")
    assert "**17 sessions** are kept" in told
    assert "1 under 1 legal hold, 4 by law, and **5** have reached" in told
    empty = classes(RULES, [], [], {}, TODAY)
    assert [row["oldest"] for row in empty] == [None, None]
    assert "**0 sessions** are kept: 0 under" in sentence(empty, 0, 0, RULES).replace("\u00a0", " ")


def test_holds_and_frozen_people_are_listed(open_page: Callable[..., AppTest], tmp_path: Path) -> None:
    publish_frames(tmp_path / "marts" / "acme", core_frames(Draw(sessions=20, learners=5)), now=NOW)
    state = State.open(f"sqlite:///{tmp_path / 'state.db'}")
    Holds(state).place("acme", None, "negotiation", reason="case 7", by="olga", at=NOW)
    state.close()
    page = open_page("retention", at=tmp_path)
    assert not page.exception
    assert [list(each.value.columns)[:3] for each in page.dataframe][1] == ["learner_key", "scenario_id", "reason"]
    assert page.dataframe[1].value["reason"].to_list() == ["case 7"]
    assert "Nobody was ever frozen." in [each.value for each in page.markdown]
