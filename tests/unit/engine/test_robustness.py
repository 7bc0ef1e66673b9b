"""Whatever is accepted can be assembled: one odd delivery must not stop a day's run."""

import copy
import json
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.session_pool import DELIVERIES
from support.wire import RUBRICS, rows

from assets.contracts.raw import BUNDLE_PARTS
from integrations.engine.assemble import assemble
from integrations.engine.delivery import Refused

NUMBERS = [0, -1, 1e308, -1e308, 10**18, 2**63]
TEXTS = ["", " ", "x", "1e999", "9" * 400, "\u0000", "[]", "{}", "[null]", "2026-11-02T09:00:00", "USER_SPEECH:"]
NESTED = [[], {}, [None], [[]], [{}], {"a": None}, {"role": "user"}]
JUNK = st.sampled_from([None, True, False, *NUMBERS, *TEXTS, *NESTED])


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        found += paths(item, (*path, name))
    return found


def changed(body: Any, path: tuple[Any, ...], junk: Any) -> Any:
    body = copy.deepcopy(body)
    inside = body
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = junk
    return body


@settings(max_examples=300)
@given(st.data())
def test_odd_values_anywhere(data: st.DataObject) -> None:
    deliveries = []
    for delivery in data.draw(st.lists(st.sampled_from(DELIVERIES), min_size=1, max_size=3)):
        body = delivery["body"]
        for _ in range(data.draw(st.integers(1, 3))):
            body = changed(body, data.draw(st.sampled_from(paths(body))), data.draw(JUNK))
        deliveries.append(delivery | {"body": json.dumps(body)})
    found = []
    for delivery in deliveries:
        try:
            found += rows([delivery])
        except Refused:
            continue
    for session in {row["session_id"] for row in found}:
        check(assemble([row for row in found if row["session_id"] == session], RUBRICS))


def check(session: dict[str, Any]) -> None:
    assert {column.name for column in BUNDLE_PARTS} <= session.keys()
    assert isinstance(session["started_day"], date)
    orjson.dumps(session)
    for turn in session["turns"]:
        assert isinstance(turn["text"], str)
        assert turn["speaker"] in ("learner", "counterpart")
        assert isinstance(turn["start_s"], float | int | None)
    for signal in session["signals"]:
        assert signal["kind"] in ("objective", "guardrail", "tool", "perception", "memory", "knowledge")
        assert isinstance(signal["name"], str | None)
        assert isinstance(signal["payload"], str | None)
        assert signal["at_s"] is None or signal["at_s"] >= 0
    for assessment in session["assessments"]:
        for criterion in assessment["criteria"]:
            assert isinstance(criterion["score"], float | None)
    for medium in session["media"]:
        assert isinstance(medium["uri"], str)


@pytest.mark.parametrize("text", ["\ud800", "a\u0000b"])
def test_odd_characters(text: str) -> None:
    delivery = copy.deepcopy(DELIVERIES[4])
    delivery["body"]["properties"]["transcript"][2]["content"] = text
    try:
        found = rows([delivery])
    except Refused as refused:
        rules = [refused.rule]
    else:
        rules = ["not_json"]
        check(assemble(found, RUBRICS))
    assert rules == ["not_json"]
