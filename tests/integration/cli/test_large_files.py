"""Lines of files that are larger than anything we take: refused in one line each, and their neighbours come in."""

import json
from pathlib import Path

from support.command import Command

DELIVERY = {
    "channel": "webhook",
    "received_at": "2026-11-02T10:00:00Z",
    "body": {
        "event_type": "system.shutdown", "message_type": "system", "conversation_id": "c1",
        "timestamp": "2026-11-02T09:12:30Z", "properties": {"shutdown_reason": "participant_left_timeout"},
    },
}  # fmt: skip
BUNDLE = {
    "format": "rolecall.session/1", "engine": "generic", "engine_session_id": "s1",
    "launch": {"tenant": "acme", "learner_id": "e1"}, "started_at": "2026-11-02T09:00:04Z",
    "turns": [{"speaker": "learner", "text": "Hello", "start_s": 1.0, "duration_s": 1.0}],
}  # fmt: skip


def test_a_delivery_of_ten_megabytes_is_refused_and_its_neighbours_are_taken(tmp_path: Path) -> None:
    large = {**DELIVERY, "body": {**DELIVERY["body"], "properties": {"x": "x" * 10_000_000}}}  # type: ignore[dict-item]
    later = {**DELIVERY, "body": {**DELIVERY["body"], "timestamp": "2026-11-02T09:13:00Z"}}  # type: ignore[dict-item]
    path = tmp_path / "deliveries.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in (DELIVERY, large, later)), "utf-8")
    done = Command(tmp_path / "home").run("ingest", str(path), "--tenant", "acme")
    said = " ".join((done.stdout + done.stderr).split())
    assert "deliveries.jsonl deliveries 3 2 0 1 0" in said  # read, accepted, repeated, refused, withheld
    assert "deliveries.jsonl:2: more than 8,000,000 bytes (ROLECALL_MAX_BODY_BYTES) (too_large)" in said
    assert "xxxx" not in said


def test_a_bundle_of_forty_megabytes_is_refused_and_its_neighbours_are_taken(tmp_path: Path) -> None:
    large = {**BUNDLE, "engine_session_id": "s2", "turns": [{"speaker": "learner", "text": "x" * 40_000_000}]}
    path = tmp_path / "bundles.jsonl"
    lines = [json.dumps(each) + "\n" for each in (BUNDLE, large, {**BUNDLE, "engine_session_id": "s3"})]
    path.write_text("".join(lines), "utf-8")
    done = Command(tmp_path / "home").run("ingest", str(path), "--tenant", "acme")
    said = " ".join((done.stdout + done.stderr).split())
    assert "bundles.jsonl bundles 3 2 0 1 0" in said
    assert "bundles.jsonl:2: the line has more than 16,000,000 bytes (too_large)" in said
    assert "xxxx" not in said
