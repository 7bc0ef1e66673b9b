"""Recordings of a session as the engine declared them: several, copied or not, in old and new payloads."""

import re
from typing import Any

from integrations.engine import vocabulary as v
from integrations.engine.events import Event, iso
from integrations.engine.speaking import number
from integrations.engine.times import EARLIEST, LATEST

SCHEMES = {"s3": "s3", "gcs": "gs", "azure_blob": "az"}
_EPOCH_MS = re.compile(r"(?<!\d)(\d{13})(?!\d)")


def media(groups: dict[str, list[Event]], *, audio_only: bool) -> list[dict[str, Any]]:
    """One entry per recording object, in order of its start; a failed copy that came through later is no failure."""
    kind = "audio" if audio_only else "video"
    ready: dict[str, dict[str, Any]] = {}
    for event in groups.get(v.RECORDING, ()):
        key = _key(event)
        if key is not None:
            known = ready.setdefault(key, {"uri": None, "duration": None})
            known["uri"] = _better(known["uri"], _uri(event.content))
            known["duration"] = _longest(known["duration"], number(event.content.get("duration")))
    found = [_entry(one["uri"], kind, key, one["duration"], None, None) for key, one in ready.items()]
    failed: dict[str, Event] = {}
    for event in groups.get(v.COPY_FAILED, ()):
        key = _key(event)
        if key is not None and key not in ready:
            failed.setdefault(key, event)
    for key, event in failed.items():
        reason = event.content.get("error_code") or event.content.get("error_message")
        duration = number(event.content.get("duration"))
        found.append(_entry(_uri(event.content), kind, key, duration, "copy_failed", reason))
    return sorted(found, key=lambda one: (one["started_at"] or "", one["uri"]))


def started(key: str) -> float | None:
    """Start of a recording in epoch seconds, from the ``epoch_ms`` of its key."""
    stamps = [int(text) / 1000 for text in _EPOCH_MS.findall(key)]
    return next((stamp for stamp in reversed(stamps) if EARLIEST <= stamp < LATEST), None)


def _entry(uri: str, kind: str, key: str, duration: float | None, status: str | None, reason: Any) -> dict[str, Any]:
    start = started(key)
    return {
        "uri": uri,
        "kind": kind,
        "started_at": None if start is None else iso(start),
        "duration_s": duration,
        "sha256": None,
        "status": status,
        "status_reason": reason if isinstance(reason, str) else None,
    }


def _key(event: Event) -> str | None:
    """What names the object in every payload of it: its key, else its address or id."""
    fields = event.content
    for name in ("s3_key", "storage_uri", "recording_id"):
        if isinstance(fields.get(name), str) and fields[name]:
            return fields[name]
    return None


def _uri(fields: dict[str, Any]) -> str:
    """Address of the object; older payloads give bucket and key alone, a failed copy not even the bucket."""
    if isinstance(fields.get("storage_uri"), str) and fields["storage_uri"]:
        return fields["storage_uri"]
    scheme = SCHEMES.get(str(fields.get("storage_provider")), "s3")
    bucket = fields.get("bucket_name")
    key = fields.get("s3_key") or fields.get("recording_id")
    return f"{scheme}://{bucket}/{key}" if isinstance(bucket, str) else f"{scheme}:///{key}"


def _better(known: str | None, offered: str) -> str:
    """The address that says more; on a tie the smaller, so that order does not matter."""
    if known is None:
        return offered
    return max(known, offered, key=lambda uri: (":///" not in uri, [-ord(letter) for letter in uri]))


def _longest(known: float | None, offered: float | None) -> float | None:
    return offered if known is None else known if offered is None else max(known, offered)
