"""Every wire format of the engine is there, ugly ones included, and the reader takes all but the spoilt lines."""

import hashlib
import hmac
from collections import Counter
from datetime import datetime

import orjson

from integrations.engine import delivery
from integrations.engine.simulator import TOOL_SECRET


def properties(simulation, event_type: str) -> list[dict]:
    return [body["properties"] for body in simulation.bodies(event_type)]


def test_old_and_new_names_and_twins(ugly) -> None:
    old = {body["conversation_id"] for body in ugly.bodies("system.replica_joined")}
    new = {body["conversation_id"] for body in ugly.bodies("system.pal_joined")}
    assert old - new
    assert new - old
    assert old & new
    assert {"replica_id", "face_id"} <= {name for p in properties(ugly, "system.shutdown") for name in p}
    assert ugly.bodies("system.replica_present")


def test_shutdown_reasons_under_both_names_with_and_without_reached(ugly) -> None:
    shutdowns = properties(ugly, "system.shutdown")
    reasons = [p.get("shutdown_reason") or p.get("reason") for p in shutdowns]
    assert any("reason" in p for p in shutdowns)
    assert any(reason.endswith(" reached") for reason in reasons)
    assert {"end_conversation_endpoint_hit", "participant_left_timeout"} <= set(reasons)


def test_transcripts_in_every_shape(ugly) -> None:
    entries = [entry for p in properties(ugly, "application.transcription_ready") for entry in p["transcript"]]
    stamps = {type(entry.get("timestamp")) for entry in entries if entry["role"] == "user"}
    assert stamps == {str, float, type(None)}
    assert {entry["role"] for entry in entries} == {"user", "assistant", "system", "tool"}
    assert any(entry["content"].startswith("USER_SPEECH:") for entry in entries)
    assert any(entry["content"].startswith("Information from documents") for entry in entries)
    assert any(entry.get("tool_calls") for entry in entries)


def test_post_call_bodies_as_object_string_and_nested_string(ugly) -> None:
    calls = properties(ugly, "application.post_call_action_executed")
    bodies = [call["request"]["body"] for call in calls]
    parsed = [orjson.loads(body) for body in bodies if isinstance(body, str)]
    assert any(isinstance(body, dict) for body in bodies)
    assert {type(body["highlights_json"]) for body in parsed} == {str, list}
    assert {call["status"] for call in calls} == {"success", "error"}
    every = parsed + [body for body in bodies if isinstance(body, dict)]
    assert any("charisma" in body for body in every)
    assert any(value == 9.0 or value == 8.0 for body in every for value in body.values())


def test_recordings_perception_and_strangers(ugly) -> None:
    ready = properties(ugly, "application.recording_ready")
    assert any("storage_uri" not in p for p in ready)
    assert any(p.get("storage_uri", "").startswith("file://") for p in ready)
    assert any(
        p["error_code"] == "DESTINATION_AUTH_FAILED" for p in properties(ugly, "application.recording_copy_failed")
    )
    twice = Counter(
        (b["conversation_id"], b["properties"]["s3_key"]) for b in ugly.bodies("application.recording_ready")
    )
    assert max(Counter(session for session, _ in twice).values()) >= 2
    for name in ("perception_analysis", "perception_unavailable", "memory_consolidation", "raven_memory_evidence"):
        assert ugly.bodies(f"application.{name}")
    assert ugly.bodies("application.call_quality_report")


def test_callbacks_in_both_shapes_with_not_found(ugly) -> None:
    bodies = [line["body"] for line in ugly.lines("deliveries.jsonl") if line["channel"] == "objective"]
    assert {"event_type" in body for body in bodies} == {True, False}
    variables = [(body.get("properties") or body)["output_variables"] for body in bodies]
    assert any("NOTFOUND" in found.values() for found in variables)
    triggers = [line["body"] for line in ugly.lines("deliveries.jsonl") if line["channel"] == "guardrail"]
    assert triggers
    assert all(set(body) == {"conversation_id", "properties"} for body in triggers)


def test_tool_deliveries_are_signed_over_the_raw_body(ugly) -> None:
    tools = [line for line in ugly.lines("deliveries.jsonl") if line["channel"] == "tool"]
    assert tools
    for line in tools:
        expected = hmac.new(TOOL_SECRET.encode(), line["body"].encode(), hashlib.sha256).hexdigest()
        assert line["headers"] == {"X-Tavus-Signature": expected}


def test_test_conversations_come_by_pull_alone(ugly) -> None:
    pulls = [line["body"] for line in ugly.lines("deliveries.jsonl") if line["channel"] == "pull"]
    tests = {row["conversation_id"] for row in pulls if row["test_mode"]}
    assert len(tests) == ugly.truth.counts["test_sessions"] > 0
    assert all(row["events"] is None for row in pulls if row["test_mode"])
    launched = {launch["conversation_id"] for launch in ugly.lines("launches.jsonl")}
    assert not tests & launched


def test_relays_hold_every_in_call_event(ugly) -> None:
    events = ugly.relay()
    types = {event["event_type"] for event in events}
    assert types >= {
        "conversation.joined", "conversation.left", "conversation.utterance", "conversation.utterance.streaming",
        "conversation.started_speaking", "conversation.stopped_speaking", "conversation.user.started_speaking",
        "conversation.replica.stopped_speaking", "conversation.objective.activated", "conversation.objective.pending",
        "conversation.objective.completed", "conversation.guardrail_triggered", "conversation.tool_call",
        "conversation.tool_result", "conversation.perception_tool_call", "conversation.respond",
    }  # fmt: skip
    assert {"pal", "replica", "user"} <= {
        event["properties"]["role"] for event in events if event["event_type"] == "conversation.utterance"
    }
    assert any("objective_name" in event for event in events)
    seqs = [event["seq"] for event in events if event["conversation_id"] == events[0]["conversation_id"]]
    assert sorted(seqs) == list(range(len(seqs)))
    assert any(event.get("properties", {}).get("frames") for event in events)


def test_received_times_are_sorted_and_some_come_late_or_twice(ugly) -> None:
    received = [line["received_at"] for line in ugly.lines("deliveries.jsonl")]
    assert received == sorted(received)
    counts = ugly.truth.counts
    assert all(counts[name] > 0 for name in ("late", "duplicates", "lost", "shuffled_sessions", "relay_out_of_order"))


def test_the_reader_refuses_exactly_the_spoilt_lines(ugly) -> None:
    found: Counter[str] = Counter()
    for raw in (ugly.out / "deliveries.jsonl").read_bytes().splitlines():
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            found["malformed"] += 1
            continue
        received = datetime.fromisoformat(line["received_at"])
        try:
            for one in delivery.read_all(line["body"], line["channel"], received):
                found["unknown"] += not one.known
        except delivery.Refused as refused:
            found[refused.rule] += 1
    counts = ugly.truth.counts
    assert found["malformed"] == counts["malformed"] > 0
    assert found["naive_time"] == counts["naive_time"] > 0
    assert set(found) == {"malformed", "naive_time", "unknown"}
    assert found["unknown"] > 0
    for path in (ugly.out / "relay").glob("*.jsonl"):
        assert all(one.known for one in delivery.read_all(path.read_bytes(), "relay", datetime.now().astimezone()))


def test_the_pull_api_file_holds_every_engine_session(ugly) -> None:
    from integrations.engine.simulator.api import load

    rows = load(ugly.out)
    assert len(rows) == ugly.truth.counts["sessions_cvi"]
    assert any("reason" in event["properties"] for row in rows.values() for event in row["events"] or [])
