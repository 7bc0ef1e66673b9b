"""Whatever the order, however often: the same deliveries make the same session."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from support.session_pool import DELIVERIES
from support.wire import RUBRICS, SESSION, arrived, rows

from integrations.engine.assemble import assemble, started_at

ROWS = rows(DELIVERIES)


@st.composite
def two_arrivals(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    """The same set of deliveries in two orders, with repeats in the second."""
    chosen = draw(st.lists(st.sampled_from(range(len(ROWS))), min_size=1, unique=True))
    again = draw(st.permutations(chosen + draw(st.lists(st.sampled_from(chosen), max_size=8))))
    return [ROWS[i] for i in sorted(chosen)], [ROWS[i] for i in again]


@settings(max_examples=300)
@given(two_arrivals())
def test_any_order_and_any_repetition_make_the_same_session(arrivals: tuple[list[Any], list[Any]]) -> None:
    first, second = arrivals
    assert assemble(second, RUBRICS) == assemble(first, RUBRICS)
    assert started_at(second) == started_at(first)


@settings(max_examples=200)
@given(two_arrivals())
def test_it_does_not_matter_which_of_two_twins_the_inbox_kept(arrivals: tuple[list[Any], list[Any]]) -> None:
    first, second = arrivals
    assert assemble(arrived(second), RUBRICS) == assemble(arrived(first), RUBRICS)


def test_webhook_and_pull_name_the_same_event_alike() -> None:
    keys: dict[tuple[str, str], set[str]] = {}
    for row in ROWS:
        keys.setdefault((row["channel"], row["event_type"]), set()).add(row["event_key"])
    for event_type in (
        "system.shutdown",
        "application.post_call_action_executed",
        "application.transcription_ready",
    ):
        assert keys["pull", event_type] <= keys["webhook", event_type]


def test_the_whole_session() -> None:
    session = assemble(ROWS, RUBRICS)
    assert session["started_at"] == "2026-11-02T09:00:04Z"
    assert session["ended_at"] == "2026-11-02T09:12:30Z"
    assert session["end_reason"] == "participant_left_timeout"
    assert session["state"] == "complete"
    assert session["reconciled"]
    assert [(turn["speaker"], turn["text"], turn["interrupted"]) for turn in session["turns"]] == [
        ("counterpart", "You wanted to talk?", None),
        ("learner", "Yes, about last week's release.", True),
        ("counterpart", "It was fine", True),
        ("learner", "The tests were red.", None),
    ]
    signals = [
        (signal["kind"], signal["name"], signal["state"], signal["at_s"], signal["alignment"])
        for signal in session["signals"]
    ]
    assert signals == [
        ("knowledge", "leave policy.pdf", "retrieved", 2.0, "exact"),
        ("guardrail", "no_blame", "triggered", 10.9, "exact"),
        ("guardrail", "no_blame", "triggered", 15.0, "estimated"),
        ("objective", "agree", "completed", 15.0, "estimated"),
        ("objective", "impact", "completed", 16.2, "exact"),
        ("tool", "escalate", "completed", 17.5, "exact"),
        ("memory", None, "consolidated", 901.0, "exact"),
    ]  # fmt: skip
    first, second = session["assessments"]
    assert [(one["criterion_id"], one["score"], one["evidence_turns"]) for one in first["criteria"]] == [
        ("clarity", 2.0, [3]),
        ("empathy", 3.0, [3]),
    ]
    assert [(one["criterion_id"], one["score"]) for one in second["criteria"]] == [("empathy", 4.0), ("sparkle", 9.0)]
    assert [(one["uri"], one["status"], one["status_reason"]) for one in session["media"]] == [
        (f"s3://b/tavus/{SESSION}/1793610004000", None, None),
        (f"s3:///tavus/{SESSION}/1793610404000", "copy_failed", "DESTINATION_AUTH_FAILED"),
    ]
