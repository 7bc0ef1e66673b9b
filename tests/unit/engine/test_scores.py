"""Post-call reports read by the customer's own field names."""

from typing import Any

import pytest
from support.session_pool import TRANSCRIPT
from support.wire import rows, webhook

from integrations.engine.assemble import assemble
from integrations.engine.scores import clock, score

ROLES = {"comments": {"why": "empathy"}, "evidence": "proof", "overall": "grade", "scorer_version": "model"}
MAPPING = {"rate": ("feedback", "3", {"warmth": "empathy"}, ROLES)}


def test_the_catalog_names_every_field() -> None:
    body = {
        "warmth": 4, "why": "Named the effect.", "grade": 80, "model": 7,
        "proof": [{"quote": "the tests were red"}, {"criterion": ["odd"], "quote": "about last week's release"}],
    }  # fmt: skip
    report = webhook("application.post_call_action_executed", 902, tool_name="rate", request={"body": body})
    transcript = webhook("application.transcription_ready", 751, transcript=TRANSCRIPT)
    (assessment,) = assemble(rows([report, transcript]), MAPPING)["assessments"]
    assert assessment["scorer"] == {"kind": "engine_llm", "id": "rate", "version": "7"}
    (criterion,) = assessment["criteria"]
    assert (criterion["criterion_id"], criterion["score"], criterion["comment"]) == (
        "empathy",
        4.0,
        "Named the effect.",
    )
    assert criterion["evidence_turns"] == [3]


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (3, 3.0),
        (0, 0.0),
        ("3", 3.0),
        (" 3.5 ", 3.5),
        ("2/5", 2.0),
        ("NOTFOUND", None),
        ("", None),
        (True, None),
        (None, None),
    ],
)
def test_a_score_is_a_number_or_nothing(raw: Any, number: float | None) -> None:
    assert score(raw) == number


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("02:10", 130.0), ("1:02:10", 3730.0), (130, 130.0), ("130", 130.0), ("soon", None), (None, None)],
)
def test_times_of_highlights(written: Any, seconds: float | None) -> None:
    assert clock(written) == seconds
