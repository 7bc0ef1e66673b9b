"""Lines of a delivery file: whose they are, how they came, and why they are refused."""

import json
from pathlib import Path

import pytest

from integrations.engine.delivery import Refused
from pipelines.delivered import Owner, channel_of, lines, owner_of

ACME, GLOBEX = Owner("acme", "DE"), Owner("globex", None)


def test_the_launch_says_whose_it_is() -> None:
    known = {"cvi:1": [ACME], "cvi:2": [ACME, GLOBEX]}
    assert owner_of("cvi:1", known, None, None) == ACME
    assert owner_of("cvi:2", known, "globex", None) == GLOBEX


def test_without_a_launch_the_option_or_the_only_tenant_says_it() -> None:
    assert owner_of("cvi:9", {}, "acme", "globex") == Owner("acme", None)
    assert owner_of("cvi:9", {}, None, "globex") == Owner("globex", None)


@pytest.mark.parametrize(
    ("session", "given", "rule"),
    [("cvi:1", "globex", "tenant_mismatch"), ("cvi:2", None, "tenant_ambiguous"), ("cvi:9", None, "tenant_unknown")],
)
def test_what_cannot_be_decided_is_refused_with_a_remedy(session: str, given: str | None, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        owner_of(session, {"cvi:1": [ACME], "cvi:2": [ACME, GLOBEX]}, given, None)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("record", "channel"),
    [
        ({"conversation_id": "c", "events": None, "status": "ended"}, "pull"),
        (
            {"conversation_id": "c", "message_type": "conversation", "event_type": "conversation.utterance", "seq": 4},
            "relay",
        ),
        ({"conversation_id": "c", "objective_name": "x", "output_variables": {}}, "objective"),
        (
            {
                "conversation_id": "c",
                "message_type": "conversation",
                "event_type": "conversation.objective.completed",
                "properties": {"objective_name": "x"},
            },
            "objective",
        ),
        ({"conversation_id": "c", "properties": {"guardrail": "x", "guardrail_uuid": "g"}}, "guardrail"),
        ({"conversation_id": "c", "event_type": "system.shutdown", "properties": {}}, "webhook"),
    ],
)
def test_a_bare_delivery_tells_its_channel(record: dict[str, object], channel: str) -> None:
    assert channel_of(record) == channel


def test_bad_lines_come_as_refusals_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n{broken\n' + b'"' + b"x" * 100 + b'"\n')
    found = dict(lines(path, largest=50))
    assert found[1] == {"a": 1}
    assert found[3].rule == "not_json"
    assert found[4].rule == "too_large"


def test_a_json_file_may_hold_an_array_or_one_object(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"a": 1}, {"a": 2}], indent=1))
    assert [record for _, record in lines(path, 1_000)] == [{"a": 1}, {"a": 2}]
    path.write_text(json.dumps({"a": 1}, indent=1))
    assert [record for _, record in lines(path, 1_000)] == [{"a": 1}]
    path.write_text('{"a": 1}\n{"a": 2}')
    assert len(list(lines(path, 1_000))) == 2
