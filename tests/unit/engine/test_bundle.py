"""Session bundles: messages that help, and a merge that does not care about order."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.engine.bundle import BundleError, merge, read
from integrations.engine.merging import PARTS

GOOD: dict[str, Any] = {
    "format": "rolecall.session/1",
    "engine_session_id": "s-17",
    "started_at": "2026-11-02T09:00:04Z",
    "turns": [{"speaker": "learner", "text": "Hello."}],
}


def problems(**changes: Any) -> list[str]:
    with pytest.raises(BundleError) as caught:
        read(json.dumps(GOOD | changes))
    return [str(problem) for problem in caught.value.problems]


def test_four_fields_are_enough() -> None:
    bundle = read(json.dumps(GOOD))
    assert bundle.session_id == "generic:s-17"
    assert bundle.assessments is None


def test_unknown_fields_are_left_out() -> None:
    assert not hasattr(read(json.dumps(GOOD | {"mood": "x"})), "mood")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"started_at": "2026-11-02T09:00:04"}, "started_at: has no UTC offset; write it as 2026-11-02T09:00:04Z"),
        ({"started_at": "2 Nov"}, "started_at: is not a time between 2000 and 2100; write it as 2026-11-02T09:00:04Z"),
        ({"started_at": 1793610004}, "started_at: must be text such as 2026-11-02T09:00:04Z"),
        ({"format": "rolecall.session/9"}, "format: must be 'rolecall.session/1'"),
        ({"turns": [{"speaker": "user", "text": ""}]}, "turns[0].speaker: must be 'learner' or 'counterpart'"),
        ({"turns": [{"speaker": "learner", "text": "", "start_s": -1}]}, "turns[0].start_s: must be 0 or more"),
        ({"turns": [{"speaker": "learner"}]}, "turns[0].text: is missing; write it"),
        ({"turns": None}, "turns: must be a list"),
        ({"launch": {"attempt": 0}}, "launch.attempt: must be 1 or more"),
        ({"engine_session_id": " "}, "engine_session_id: is empty; write it or leave it out"),
        (
            {"assessments": [{"rubric_id": "r", "scorer": {"kind": "llm"}, "criteria": []}]},
            "assessments[0].scorer.kind: must be 'engine_llm', 'our_llm' or 'human'",
        ),
        (
            {
                "assessments": [
                    {"rubric_id": "r", "scorer": {"kind": "human"}, "criteria": [{"criterion_id": "c", "score": "3"}]}
                ]
            },
            "assessments[0].criteria[0].score: must be a number, without quotes",
        ),
    ],
)
def test_what_where_and_how_to_mend(changes: dict[str, Any], message: str) -> None:
    assert problems(**changes) == [message]


def test_every_fault_is_told() -> None:
    assert len(problems(started_at="x", turns=[{}])) == 3


@pytest.mark.parametrize("line", [b"{", b"[]", b"17", b"null"])
def test_no_object_no_bundle(line: bytes) -> None:
    with pytest.raises(BundleError):
        read(line)


def row(**parts: Any) -> dict[str, Any]:
    return dict.fromkeys(PARTS) | {"engine": "generic", "engine_session_id": "s-17"} | parts


def turn(speaker: str, text: str, start_s: float | None = None) -> dict[str, Any]:
    return {"speaker": speaker, "text": text, "start_s": start_s}


TEXTS = st.sampled_from(["a", "b", "c"])
TURNS = st.lists(
    st.builds(turn, st.sampled_from(["learner", "counterpart"]), TEXTS, st.none() | st.floats(0, 9)), max_size=4
)
SIGNALS = st.lists(
    st.fixed_dictionaries({"kind": st.just("tool"), "name": TEXTS, "at_s": st.none() | st.floats(0, 9)}), max_size=3
)
ASSESSMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "rubric_id": TEXTS,
            "criteria": st.lists(
                st.fixed_dictionaries(
                    {
                        "criterion_id": TEXTS,
                        "score": st.integers(0, 5),
                        "evidence_turns": st.none() | st.lists(st.integers(0, 3)),
                    }
                ),
                max_size=2,
            ),
        }
    ),
    max_size=2,
)
MEDIA = st.lists(st.fixed_dictionaries({"uri": TEXTS, "duration_s": st.none() | st.integers(1, 3)}), max_size=2)
ROWS = st.builds(
    row,
    started_at=st.sampled_from(["2026-11-02T09:00:04Z", "2026-11-02T09:00:05Z"]),
    ended_at=st.none() | st.sampled_from(["2026-11-02T09:10:00Z", "2026-11-02T09:11:00Z"]),
    scenario_id=st.none() | TEXTS,
    is_test=st.none() | st.booleans(),
    turns=st.none() | TURNS,
    signals=st.none() | SIGNALS,
    assessments=st.none() | ASSESSMENTS,
    media=st.none() | MEDIA,
)


@settings(max_examples=300)
@given(st.data(), st.lists(ROWS, min_size=1, max_size=4))
def test_any_order_and_any_repetition_merge_to_the_same_session(
    data: st.DataObject, rows: list[dict[str, Any]]
) -> None:
    again = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows), max_size=3))))
    merged = merge(rows)
    assert merge(again) == merged
    assert merge([merged, merged]) == merged


def test_one_bundle_stays_as_it_is() -> None:
    twice = [{"kind": "tool", "name": "submit_deal"}] * 2
    assert merge([row(signals=twice)])["signals"] == twice
    assert merge([row(signals=twice), row(signals=twice[:1], end_reason="x")])["signals"] == twice


def test_evidence_follows_its_turn() -> None:
    full = [turn("counterpart", "Hi."), turn("learner", "Hello."), turn("learner", "It was red.")]
    scored = {"rubric_id": "r", "criteria": [{"criterion_id": "c", "score": 1, "evidence_turns": [0, 1]}]}
    part = row(turns=[turn("learner", "It was red."), turn("learner", "Gone.")], assessments=[scored])
    (assessment,) = merge([part, row(turns=full)])["assessments"]
    assert assessment["criteria"][0]["evidence_turns"] == [2]


def test_recordings_complete_each_other() -> None:
    one, other = {"uri": "u", "duration_s": None, "sha256": "s"}, {"uri": "u", "duration_s": 3.0, "sha256": None}
    assert merge([row(media=[one]), row(media=[other])])["media"] == [{"uri": "u", "duration_s": 3.0, "sha256": "s"}]


def test_sessions_are_never_mixed() -> None:
    with pytest.raises(ValueError, match="exactly one session"):
        merge([row(), row(engine_session_id="s-18")])
