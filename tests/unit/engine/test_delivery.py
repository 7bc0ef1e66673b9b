"""Reading one delivery: what is taken, what is refused and with which words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.wire import POLICY, SESSION, at, webhook

from integrations.engine.delivery import CHANNELS, Refused, key, prepare, read, read_all

NOW = datetime(2026, 11, 2, 9, 20, tzinfo=UTC)
SHUTDOWN = webhook("system.shutdown", 750, shutdown_reason="participant_left_timeout")["body"]


def refused(body: Any, channel: str = "webhook", hint: str | None = None) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        read(body, channel, NOW, hint)
    return caught.value.rule, caught.value.reason


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "empty_body"),
        (b"{", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b"[1]", "not_an_object"),
        (b"null", "not_an_object"),
        (b"17", "not_an_object"),
        (b'"text"', "malformed_json"),
        ({}, "no_session"),
        ({"conversation_id": ""}, "bad_session_id"),
        ({"conversation_id": 7}, "bad_session_id"),
        ({"conversation_id": "../../etc"}, "bad_session_id"),
        (SHUTDOWN | {"timestamp": "2026-11-02T09:12:30"}, "naive_time"),
        (SHUTDOWN | {"timestamp": "yesterday"}, "not_a_time"),
        (SHUTDOWN | {"timestamp": True}, "not_a_time"),
        (SHUTDOWN | {"timestamp": -1}, "not_a_time"),
        (SHUTDOWN | {"timestamp": 1e300}, "not_a_time"),
        (SHUTDOWN | {"timestamp": "9999-12-31T23:59:59+00:00"}, "not_a_time"),
        (SHUTDOWN | {"event_type": 3}, "bad_event_type"),
        (SHUTDOWN | {"event_type": "two words"}, "bad_event_type"),
        (SHUTDOWN | {"properties": [1]}, "bad_properties"),
        (SHUTDOWN | {"properties": "{"}, "malformed_json"),
        (webhook("application.transcription_ready", 1, transcript={"role": "user"})["body"], "bad_transcript"),
        ({"conversation_id": SESSION, "events": 3}, "bad_events"),
        ({"conversation_id": SESSION, "events": [3]}, "bad_events"),
        ({"conversation_id": SESSION, "created_at": "2026-11-02T09:00:00", "events": []}, "naive_time"),
        ([SHUTDOWN, SHUTDOWN], "not_one_delivery"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_rule(body: Any, rule: str) -> None:
    found, reason = refused(body)
    assert found == rule
    assert reason


def test_a_naive_time_is_told_how_to_mend() -> None:
    rule, reason = refused(SHUTDOWN | {"timestamp": "2026-11-02T09:12:30"})
    assert rule == "naive_time"
    assert reason == "timestamp: '2026-11-02T09:12:30' has no UTC offset; write it as 2026-11-02T09:00:04Z"


def test_endless_nesting_is_refused() -> None:
    body = '{"conversation_id": "c1", "properties": {"output_variables": ' + "[" * 500 + "]" * 500 + "}}"
    assert refused(body)[0] in ("too_deep", "malformed_json")
    text: Any = "x"
    for _ in range(40):
        text = [text]
    assert refused({"conversation_id": "c1", "objective_name": "o", "output_variables": text})[0] == "too_deep"


@pytest.mark.parametrize(
    "timestamp",
    ["2026-11-02T09:12:30Z", "2026-11-02T10:12:30+01:00", 1793610750, 1793610750.0, 1793610750000, "1793610750"],
)
def test_the_same_moment_in_any_notation(timestamp: Any) -> None:
    delivery = read(SHUTDOWN | {"timestamp": timestamp}, "webhook", NOW)
    assert delivery.engine_at == datetime(2026, 11, 2, 9, 12, 30, tzinfo=UTC)
    assert delivery.session_id == f"cvi:{SESSION}"


def test_a_body_may_be_bytes_text_or_text_in_text() -> None:
    texts: list[Any] = [SHUTDOWN, orjson.dumps(SHUTDOWN), json.dumps(SHUTDOWN), json.dumps(json.dumps(SHUTDOWN))]
    assert len({key(read(text, "webhook", NOW)) for text in texts}) == 1


def test_a_relay_sends_lines_or_a_list() -> None:
    events = [SHUTDOWN | {"timestamp": at(second)} for second in range(3)]
    lines = b"\n".join(orjson.dumps(event) for event in events) + b"\n"
    assert [one.engine_at for one in read_all(lines, "relay", NOW)] == [
        one.engine_at for one in read_all(events, "relay", NOW)
    ]
    with pytest.raises(Refused, match="item 2: conversation_id is missing"):
        read_all([SHUTDOWN, {"event_type": "x"}], "relay", NOW)


def test_a_tool_route_says_which_session() -> None:
    delivery = read({"reason": "asked twice"}, "tool", NOW, hint="c9")
    assert (delivery.session_id, delivery.event_type) == ("cvi:c9", "tool.delivery")
    assert delivery.payload["arguments"] == {"reason": "asked twice"}


def test_without_an_engine_time_the_minute_of_receipt_counts() -> None:
    body = {"conversation_id": SESSION, "objective_name": "o", "output_variables": {}}
    first, again, later = (key(read(body, "objective", NOW + timedelta(seconds=seconds))) for seconds in (0, 59, 60))
    assert first == again != later


def test_both_objective_shapes_have_one_key() -> None:
    bare = {"conversation_id": SESSION, "objective_name": "o", "output_variables": {"a": "NOTFOUND"}}
    full = {
        "conversation_id": SESSION, "event_type": "conversation.objective.completed", "message_type": "conversation",
        "properties": {"objective_name": "o", "output_variables": {"a": "NOTFOUND"}},
    }  # fmt: skip
    assert key(read(bare, "objective", NOW)) == key(read(full, "webhook", NOW))


def test_an_unknown_event_is_kept_and_marked() -> None:
    (parcel,) = prepare(SHUTDOWN | {"event_type": "application.brand_new"}, "webhook", NOW, "acme", "DE", POLICY)
    assert (parcel.event_type, parcel.known) == ("application.brand_new", False)
    assert parcel.dropped["unknown_field"] == 1
    assert json.loads(parcel.body)["conversation_id"] == SESSION


def test_addresses_and_tokens_are_not_stored() -> None:
    (parcel,) = prepare(SHUTDOWN, "webhook", NOW, "acme", "DE", POLICY)
    assert "ingest.example" not in parcel.body
    assert parcel.dropped == {"confidential": 1}


def test_the_jurisdiction_may_be_looked_up() -> None:
    asked: list[str] = []
    prepare(SHUTDOWN, "webhook", NOW, "acme", lambda session: asked.append(session), POLICY)
    assert asked == [f"cvi:{SESSION}"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
NAMES = st.sampled_from(
    ["event_type", "timestamp", "properties", "events", "transcript", "seq", "objective_name", "guardrail", "status"]
)


@settings(max_examples=400)
@given(st.dictionaries(NAMES | st.text(max_size=8), JSON, max_size=6), st.sampled_from(CHANNELS), st.booleans())
def test_anything_is_either_taken_or_refused(body: dict[str, Any], channel: str, nested: bool) -> None:
    wire = {"conversation_id": SESSION} | ({"event_type": "x.y", "properties": body} if nested else body)
    try:
        parcels = prepare(orjson.dumps(wire), channel, NOW, "acme", None, POLICY)
    except Refused as problem:
        refusal = (problem.rule, problem.reason)
        assert all(refusal)
    else:
        again = prepare(orjson.dumps(wire), channel, NOW, "acme", None, POLICY)
        assert [one.event_key for one in parcels] == [one.event_key for one in again]
        assert all(json.loads(one.body) is not None for one in parcels)
