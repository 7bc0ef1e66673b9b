"""Engine deliveries for tests: bodies in, rows of raw/deliveries out, through the real reader and gate."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from governance.gate import SignalPolicy
from integrations.engine.delivery import prepare

ROOT = Path(__file__).resolve().parents[2]
POLICY = SignalPolicy.load(ROOT / "config" / "policy.yaml")
RUBRICS = {"submit_rubric": ("feedback", "3", {"empathy": "empathy", "clarity": "clarity"})}

SESSION = "c0a11ce"
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
EPOCH = START.timestamp()

Item = dict[str, Any]


def at(seconds: float) -> str:
    """A time of the session as the engine writes it."""
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def item(channel: str, received_s: float, body: Any) -> Item:
    """A delivery and when it was received, in seconds after 09:00."""
    return {"channel": channel, "received_at": at(received_s), "body": body}


def webhook(event_type: str, second: float, received_s: float | None = None, /, **properties: Any) -> Item:
    """A conversation webhook."""
    body = {
        "event_type": event_type,
        "message_type": event_type.partition(".")[0],
        "conversation_id": SESSION,
        "webhook_url": "https://ingest.example/cvi?t=secret",
        "timestamp": at(second),
        "properties": properties,
    }
    return item("webhook", second + 1 if received_s is None else received_s, body)


def relayed(event_type: str, second: float, seq: int, /, inference: str | None = None, **properties: Any) -> Item:
    """An in-call event as a client relays it."""
    body = {
        "message_type": "conversation",
        "event_type": event_type,
        "conversation_id": SESSION,
        "timestamp": EPOCH + second,
        "seq": seq,
        "properties": properties,
    }
    return item("relay", second + 0.2, body | ({} if inference is None else {"inference_id": inference}))


def entry(role: str, text: str | None, second: float | None = None, /, **more: Any) -> Item:
    """A transcript entry; its clock starts 6 s after 09:00."""
    timing = {} if second is None else {"timestamp": EPOCH + 6 + second, "seconds_from_start": second, "duration": 2.5}
    return {"role": role, "content": text} | timing | more


def rows(
    deliveries: Iterable[Mapping[str, Any]], jurisdiction: str | None = "DE", policy: SignalPolicy = POLICY
) -> list[Item]:
    """Rows of raw/deliveries for ``{"channel", "received_at", "body"}`` items; repeats are not removed."""
    found: list[Item] = []
    for one in deliveries:
        received_at = datetime.fromisoformat(one["received_at"])
        parcels = prepare(one["body"], one["channel"], received_at, "acme", jurisdiction, policy, hint=one.get("hint"))
        found += [asdict(parcel) for parcel in parcels]
    return found


def arrived(found: Iterable[Item]) -> list[Item]:
    """What the inbox keeps of rows in their order of arrival: the first of each key."""
    kept: dict[str, Item] = {}
    for row in found:
        kept.setdefault(row["event_key"], row)
    return list(kept.values())
