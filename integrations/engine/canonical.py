"""One event's content under one set of names: what the idempotency key hashes and what assembly reads.

Assembly reads nothing of a delivery but its type, its time and this content. So of two deliveries with the
same key it does not matter which was stored, and a twin under an old name is the same event.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from integrations.engine import vocabulary as v
from integrations.engine.fields import NOTES, RAVEN
from integrations.engine.times import EARLIEST, LATEST, parse_or_none

Content = dict[str, Any]
# Carried by the envelope, by the key itself, or of no meaning for the event.
_ENVELOPE = frozenset(
    {"conversation_id", "event_type", "message_type", "timestamp", "seq", "turn_idx", "properties", "webhook_url"}
)
MAX_UNWRAP = 8  # JSON strings inside JSON strings


def content(event_type: str, payload: Mapping[str, Any]) -> Content:
    """The event's own fields, names folded, absent and null alike; ``payload`` is past the gate."""
    fields = {name: item for name, item in payload.items() if name not in _ENVELOPE and item not in (None, [])}
    properties = payload.get("properties")
    if isinstance(properties, Mapping) and event_type != v.CONVERSATION:
        fields.update((name, item) for name, item in properties.items() if item is not None)
    elif properties:
        fields["properties"] = properties
    for new, old in v.TWIN_FIELDS.items():
        if new in fields:
            fields.setdefault(old, fields[new])
            del fields[new]
    shape = _SHAPES.get(event_type)
    return fields if shape is None else shape(fields, payload)


def plain(value: Any) -> Any:
    """Equal numbers written alike: 742.0 is 742."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def unwrap(value: Any, depth: int = 0) -> Any:
    """``value`` with JSON objects and arrays inside strings opened, at every level."""
    if isinstance(value, str):
        if depth < MAX_UNWRAP and value.lstrip()[:1] in ("{", "[", '"'):
            try:
                inner = orjson.loads(value)
            except orjson.JSONDecodeError:
                return value
            return unwrap(inner, depth + 1) if isinstance(inner, dict | list | str) else value
        return value
    if isinstance(value, dict):
        return {name: unwrap(item, depth) for name, item in value.items()}
    if isinstance(value, list):
        return [unwrap(item, depth) for item in value]
    return value


def _pick(fields: Content, *names: str) -> Content:
    return {name: fields[name] for name in (*names, NOTES) if fields.get(name) not in (None, [])}


def _shutdown(fields: Content, _: Mapping[str, Any]) -> Content:
    # The webhook says shutdown_reason and replica_id, the pull says reason alone: one event, one key.
    raw = fields.get("shutdown_reason", fields.get("reason"))
    return {"reason": v.bare_reason(raw)} if isinstance(raw, str) and raw.strip() else {}


def _transcript(fields: Content, _: Mapping[str, Any]) -> Content:
    entries = fields.get("transcript")
    found = entries if isinstance(entries, list) else []
    return {"entries": [_entry(entry) for entry in found if isinstance(entry, dict)]}


def _entry(entry: Content) -> Content:
    role = entry.get("role")
    out: Content = {
        "role": v.speaker(role) or str(role).lower(),
        "text": entry.get("content"),
        "at": _epoch(entry.get("timestamp")),
    }
    for name, item in entry.items():
        if name in _KEPT and item is not None and item != []:  # a gated list of notes stays behind empty
            out[name] = item
    return out


def _epoch(timestamp: Any) -> float | None:
    """Epoch seconds to the millisecond; a turn's time that is none is left out, not refused."""
    if type(timestamp) is float and EARLIEST <= timestamp < LATEST:  # nearly all, and there are many
        return round(timestamp, 3)
    moment = parse_or_none(timestamp)
    return None if moment is None else round(moment.timestamp(), 3)


_KEPT = frozenset(
    {"seconds_from_start", "duration", "interrupted", "inference_id", "tool_calls", "tool_call_id", "documents"}
    | {"passages", NOTES, *RAVEN}
)


def _joined(fields: Content, _: Mapping[str, Any]) -> Content:
    return _pick(fields, "replica_id", "persona_id")


def _recording(fields: Content, _: Mapping[str, Any]) -> Content:
    return _pick(
        fields, "recording_id", "bucket_name", "s3_key", "duration", "storage_provider", "storage_uri", "error_code",
        "error_message",
    )  # fmt: skip


def _post_call(fields: Content, _: Mapping[str, Any]) -> Content:
    request = fields.get("request")
    body = request.get("body") if isinstance(request, Mapping) else None
    return {**_pick(fields, "tool_id", "tool_name", "status"), "body": unwrap(body)}


def _spoken(fields: Content, payload: Mapping[str, Any]) -> Content:
    """Speaking state and utterances: the speaker from the role, or from an old event name."""
    speaker = v.speaker(fields.get("role"))
    if speaker is None and isinstance(payload.get("event_type"), str):
        speaker = v.event_type(payload["event_type"])[1]
    out = _pick(fields, "speech", "duration", "content_index", "final", "inference_id", *RAVEN)
    interrupted = fields.get("interrupted", fields.get("is_interrupted"))
    if isinstance(interrupted, bool):
        out["interrupted"] = interrupted
    return out | {"speaker": speaker}


def _objective(fields: Content, _: Mapping[str, Any]) -> Content:
    variables = unwrap(fields.get("output_variables"))
    return {**_pick(fields, "objective_name"), **({} if variables is None else {"variables": variables})}


def _guardrail(fields: Content, _: Mapping[str, Any]) -> Content:
    name = fields.get("guardrail", fields.get("guardrail_name"))
    return {**_pick(fields, "guardrail_uuid", "reason"), **({} if name is None else {"name": name})}


def _tool(fields: Content, _: Mapping[str, Any]) -> Content:
    arguments = unwrap(fields.get("arguments"))
    name = fields.get("tool_name", fields.get("name"))
    out = _pick(fields, "tool_call_id", "status", "modality")
    return out | ({} if name is None else {"name": name}) | ({} if arguments is None else {"arguments": arguments})


_SHAPES = {
    v.JOINED: _joined,
    v.SHUTDOWN: _shutdown,
    v.TRANSCRIPT: _transcript,
    v.RECORDING: _recording,
    v.COPY_FAILED: _recording,
    v.POST_CALL: _post_call,
    **dict.fromkeys((v.UTTERANCE, v.STREAMING, v.STARTED, v.STOPPED), _spoken),
    **dict.fromkeys((*v.OBJECTIVES, v.OBJECTIVE_CONFIRM), _objective),
    v.GUARDRAIL: _guardrail,
    **dict.fromkeys((v.TOOL_CALL, v.TOOL_RESULT, v.TOOL_DELIVERY, v.PERCEPTION_TOOL), _tool),
}
