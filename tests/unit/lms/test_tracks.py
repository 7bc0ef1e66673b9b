"""Tracks of both editions, as a real Moodle recorded them and as a learner could have forged them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.moodle import elements

from integrations.lms.tracks import Attempt, attempt, seconds


@pytest.mark.parametrize("probe", ["probe12", "probe2004"])
@pytest.mark.parametrize(("number", "raw", "passed"), [(1, "82.5", True), (2, "55.25", False)])
def test_recorded_attempts(probe: str, number: int, raw: str, passed: bool) -> None:
    found = attempt(elements(probe, number))
    assert found.edition == {"probe12": "1.2", "probe2004": "2004"}[probe]
    assert (found.raw, found.low, found.high, found.passed) == (Decimal(raw), 0, 100, passed)
    assert found.completed is True
    assert found.seconds == Decimal("754.5")
    assert found.scaled == Decimal(raw) / 100
    assert [criterion.id for criterion in found.criteria] == ["empathy", "discovery"]
    assert found.criteria[0].raw == Decimal(raw)


def test_an_objective_that_the_lms_put_in_front_is_no_criterion() -> None:
    recorded = elements("probe2004", 1)
    assert recorded["cmi.objectives.0.id"] == "PRIMARYOBJ"
    assert "PRIMARYOBJ" not in {criterion.id for criterion in attempt(recorded).criteria}


def test_a_2004_summary_does_not_decide() -> None:
    recorded = elements("probe2004", 2)
    assert recorded["status"] == "completed"
    assert attempt(recorded).passed is False


def test_no_score_is_not_nought() -> None:
    found = attempt({"cmi.core.lesson_status": "incomplete", "cmi.core.score.raw": ""})
    assert found == Attempt("1.2", completed=False)
    assert found.scaled is None
    assert attempt({"cmi.core.lesson_status": "failed", "cmi.core.score.raw": "0"}).scaled == 0


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        ('{"v": 1, "r": "r_1", "s": "abc"}', ("r_1", "abc")),
        ('{"s": "sess-learner1"}', (None, None)),
        ('{"r": 7, "s": "abc"}', (None, None)),
        ("[1]", (None, None)),
        ("not json", (None, None)),
        (None, (None, None)),
    ],
)
def test_what_suspend_data_says_of_our_result(kept: str | None, found: tuple[str | None, str | None]) -> None:
    said = attempt({"cmi.completion_status": "completed", "cmi.suspend_data": kept})
    assert (said.result_id, said.signature) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("0100:00:00", 360_000), ("00:12:34.50", Decimal("754.5")), ("PT754.5S", Decimal("754.5")), ("P1DT1S", 86_401),
     ("PT0S", 0), ("P0D", 0), ("P", None), ("12:34", None), ("", None), (None, None)],
)  # fmt: skip
def test_time_spans(text: str | None, found: int | Decimal | None) -> None:
    assert seconds(text) == found


NAMES = (
    "cmi.core.lesson_status", "cmi.core.score.raw", "cmi.core.total_time", "cmi.score.raw", "cmi.score.max",
    "cmi.success_status", "cmi.suspend_data", "cmi.objectives_0.id", "cmi.objectives.1.id",
    "cmi.objectives.1.score.raw",
)  # fmt: skip
VALUES = st.text(max_size=20) | st.integers() | st.floats() | st.none() | st.booleans()


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=len(NAMES)))
def test_whatever_the_lms_holds_is_read(held: dict[str, object]) -> None:
    found = attempt(held)
    assert found.raw is None or found.raw.is_finite()
    assert (found.scaled is None) == (
        found.raw is None or (found.low or 0) >= (100 if found.high is None else found.high)
    )
