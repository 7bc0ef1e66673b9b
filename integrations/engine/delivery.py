"""One delivery of any channel, read, gated and named: the one way in for gateway, files and pull."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from governance.gate import SignalPolicy, admit
from governance.inbox import Parcel
from integrations.engine import vocabulary as v
from integrations.engine.canonical import content, plain
from integrations.engine.fields import classes
from integrations.engine.hidden import TooDeepError
from integrations.engine.reveal import reveal
from integrations.engine.times import TimeProblemError, iso, parse

CHANNELS = ("webhook", "objective", "guardrail", "tool", "relay", "pull", "file")
Body = bytes | str | Mapping[str, Any] | list[Any]
JurisdictionOf = Callable[[str], str | None]

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}")
_TYPE = re.compile(r"[!-~]{1,200}")
_TOOL_ENVELOPE = frozenset({"conversation_id", "event_type", "message_type", "timestamp", "webhook_url", "seq"})
_BY_SHAPE = (
    (frozenset({"objective_name"}), v.OBJECTIVE_COMPLETED),  # only completion is called back
    (frozenset({"guardrail", "guardrail_uuid", "guardrail_name"}), v.GUARDRAIL),
    (frozenset({"tool_call_id", "tool_name"}), v.TOOL_DELIVERY),
)
UNWRAPS = 3  # a body may be a JSON string that holds the JSON


class Refused(ValueError):  # noqa: N818 - the name says what happened to the delivery
    """The delivery cannot be taken: ``rule`` is a code, ``reason`` a sentence that says how to mend it."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event of one session, before or after the gate.

    ``event_type`` is canonical where ``known``, else as it came. ``engine_at`` is the time the engine wrote,
    None where it wrote none. ``payload`` keeps the delivered names.
    """

    engine: str
    engine_session_id: str
    event_type: str
    known: bool
    engine_at: datetime | None
    received_at: datetime
    channel: str
    payload: dict[str, Any]

    @property
    def session_id(self) -> str:
        """``engine:engine_session_id``, unique within a tenant."""
        return f"{self.engine}:{self.engine_session_id}"


def read(body: Body, channel: str, received_at: datetime, hint: str | None = None) -> Delivery:
    """The one delivery in ``body``; ``hint`` is the session id where the body carries none (tool routes).

    Raises:
        Refused: not JSON, not an object, no session id, a naive time, a batch of several.
    """
    deliveries = read_all(body, channel, received_at, hint)
    if len(deliveries) != 1:
        raise Refused("not_one_delivery", f"the body holds {len(deliveries)} deliveries; send one")
    return deliveries[0]


def read_all(body: Body, channel: str, received_at: datetime, hint: str | None = None) -> list[Delivery]:
    """As ``read``, for bodies that may hold several: a verbose pull, a JSON array or JSON lines of a relay.

    Raises:
        Refused: as ``read``; in an array or lines the reason names the item, and none of them is taken.
    """
    if channel not in CHANNELS:
        raise ValueError(f"channel {channel!r} is not one of {', '.join(CHANNELS)}")
    if received_at.tzinfo is None:
        raise ValueError("received_at must be aware")
    parsed = _parse(body, lines=channel in ("relay", "file"))
    items = parsed if isinstance(parsed, list) else [parsed]
    found: list[Delivery] = []
    for position, item in enumerate(items):
        where = f"item {position + 1}: " if len(items) > 1 else ""
        if not isinstance(item, dict):
            raise Refused("not_an_object", f"{where}a delivery is a JSON object, this is {_kind(item)}")
        for event in split_pull(item) if "events" in item else [_without(item, "events_seen")]:
            found.append(_delivery(event, channel, received_at, hint, where))
    return found


def split_pull(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A verbose ``GET /v2/conversations/{id}`` as event bodies: one ``conversation`` row plus one per event.

    Callers that want the good events of a row with a bad one prepare the bodies one by one.
    """
    events = row.get("events")
    if isinstance(events, str):
        events = _parse(events)
    if events is not None and not isinstance(events, list):
        raise Refused("bad_events", f"events must be a list, this is {_kind(events)}")
    own = {name: item for name, item in row.items() if name != "events"}
    bodies = [own | {"event_type": v.CONVERSATION, "events_seen": len(events or [])}]
    for position, event in enumerate(events or []):
        if not isinstance(event, dict):
            raise Refused("bad_events", f"events[{position}] must be an object, this is {_kind(event)}")
        bodies.append(event | {"conversation_id": row.get("conversation_id")})
    return bodies


def key(delivery: Delivery) -> str:
    """Idempotency key of a gated delivery: hex SHA-256 over session, canonical type, time and content.

    The time is the engine's, in whole seconds for events that the pull replays (it may drop the fraction),
    else the minute of receipt. Message counters and addresses are left out, so that the same event has the
    same key through webhook and pull, and under its old and its new name.
    """
    moment = delivery.engine_at
    if moment is None:
        time = f"received {delivery.received_at:%Y-%m-%dT%H:%M%z}"
    else:
        time = iso(moment.replace(microsecond=0) if whole_seconds(delivery.event_type) else moment) or ""
    fields = plain(content(delivery.event_type, delivery.payload))
    identity = [delivery.engine, delivery.engine_session_id, delivery.event_type, time, fields]
    return hashlib.sha256(orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)).hexdigest()


def whole_seconds(event_type: str) -> bool:
    """Whether the event's time counts in whole seconds: webhook events, which the pull replays."""
    return event_type.startswith(("system.", "application."))


def seal(delivery: Delivery, tenant: str, jurisdiction: str | None, policy: SignalPolicy) -> Parcel:
    """Gate one delivery and name it: the parcel that the inbox takes."""
    payload = delivery.payload
    properties = payload.get("properties")
    modality = payload.get("modality") or (properties.get("modality") if isinstance(properties, dict) else None)
    admitted = admit(payload, classes(delivery.event_type, modality), jurisdiction, policy)
    gated = replace(delivery, payload=admitted.kept)
    return Parcel(
        tenant=tenant,
        session_id=delivery.session_id,
        event_key=key(gated),
        channel=delivery.channel,
        event_type=delivery.event_type,
        known=delivery.known,
        engine_at=delivery.engine_at,
        received_at=delivery.received_at,
        body=orjson.dumps(admitted.kept).decode(),
        policy_version=admitted.policy_version,
        dropped=admitted.dropped,
        jurisdiction=policy.jurisdiction(jurisdiction),
    )


def prepare(
    body: Body,
    channel: str,
    received_at: datetime,
    tenant: str,
    jurisdiction: str | JurisdictionOf | None,
    policy: SignalPolicy,
    hint: str | None = None,
) -> list[Parcel]:
    """Read, gate and name everything in ``body``; ``jurisdiction`` may be looked up by session id.

    Raises:
        Refused: as ``read_all``; nothing of the body is taken then.
    """
    return [
        seal(one, tenant, jurisdiction(one.session_id) if callable(jurisdiction) else jurisdiction, policy)
        for one in read_all(body, channel, received_at, hint)
    ]


def _parse(body: Body, *, lines: bool = False) -> Any:
    """The JSON value of a body that may be bytes, text, or text that holds text."""
    value: Any = body
    for _ in range(UNWRAPS):
        if not isinstance(value, bytes | str):
            break
        if not value.strip():
            raise Refused("empty_body", "the body is empty; send one JSON object")
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            parts = value.splitlines()
            if lines and len(parts) > 1:
                return [_parse(part) for part in parts if part.strip()]
            raise Refused("malformed_json", f"not JSON ({error}); send one JSON object in UTF-8") from None
    if isinstance(value, bytes | str):
        raise Refused("not_an_object", "a delivery is a JSON object, this is text")
    return value if isinstance(value, list) else _as_dict(value)


def _as_dict(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise Refused("not_an_object", f"a delivery is a JSON object, this is {_kind(value)}")
    return value if isinstance(value, dict) else dict(value)


def _without(payload: dict[str, Any], name: str) -> dict[str, Any]:
    """The payload without a field that only we may write."""
    return {key: item for key, item in payload.items() if key != name} if name in payload else payload


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), "something else")


def _delivery(payload: dict[str, Any], channel: str, received_at: datetime, hint: str | None, where: str) -> Delivery:
    try:
        payload = _with_objects(payload)
        session = _session_id(payload, hint)
        event_type = _event_type(payload, channel)
        if event_type == v.TOOL_DELIVERY:
            payload = _tool(payload)
        engine_at = _engine_at(payload, event_type)
        payload = reveal(event_type, {**payload, "conversation_id": session})
        orjson.dumps(payload)
    except Refused as refused:
        raise Refused(refused.rule, where + refused.reason) from None
    except TimeProblemError as problem:
        raise Refused(problem.rule, where + str(problem)) from None
    except TooDeepError as error:
        raise Refused("too_deep", f"{where}{error}") from None
    except (orjson.JSONEncodeError, UnicodeEncodeError):
        raise Refused("not_json", f"{where}holds a value that JSON cannot carry (a lone surrogate, say)") from None
    known = event_type in v.KNOWN
    return Delivery(v.ENGINE, session, event_type, known, engine_at, received_at, channel, payload)


def _with_objects(payload: dict[str, Any]) -> dict[str, Any]:
    """``properties`` and ``transcript`` as they should be where they came as JSON strings."""
    properties = payload.get("properties")
    if isinstance(properties, str) and properties.strip():
        properties = _parse(properties)
    if properties is None or properties == "":
        return payload
    if not isinstance(properties, dict):
        raise Refused("bad_properties", f"properties must be an object, this is {_kind(properties)}")
    if isinstance(properties.get("transcript"), str):
        properties = properties | {"transcript": _parse(properties["transcript"])}
    transcript = properties.get("transcript")
    if transcript is not None and not isinstance(transcript, list):
        raise Refused("bad_transcript", f"properties.transcript must be a list of entries, this is {_kind(transcript)}")
    return payload | {"properties": properties}


def _session_id(payload: Mapping[str, Any], hint: str | None) -> str:
    session = payload.get("conversation_id")
    if session is None and isinstance(payload.get("properties"), dict):
        session = payload["properties"].get("conversation_id")
    if session is None:
        session = hint
    if session is None:
        raise Refused("no_session", "conversation_id is missing; nothing says which session this belongs to")
    if not isinstance(session, str) or _SESSION.fullmatch(session) is None:
        raise Refused("bad_session_id", "conversation_id must be text of letters, digits, dot, dash, tilde, underscore")
    return session


def _event_type(payload: Mapping[str, Any], channel: str) -> str:
    name = payload.get("event_type")
    properties = payload.get("properties") or {}
    if name is None or name == "":
        return _type_by_shape(payload, properties, channel)
    if not isinstance(name, str) or _TYPE.fullmatch(name.strip()) is None:
        raise Refused("bad_event_type", "event_type must be printable text of at most 200 characters without spaces")
    event_type, _ = v.event_type(name)
    if event_type == v.TOOL_CALL and (properties.get("modality") or payload.get("modality")) not in (None, "", "text"):
        return v.PERCEPTION_TOOL
    return event_type


def _type_by_shape(payload: Mapping[str, Any], properties: Mapping[str, Any], channel: str) -> str:
    """Objective, guardrail and tool bodies carry no type; their fields tell."""
    names = payload.keys() | properties.keys()
    for telling, event_type in _BY_SHAPE:
        if names & telling:
            return event_type
    if channel == "tool":
        return v.TOOL_DELIVERY
    if {"status", "created_at"} <= names:
        return v.CONVERSATION
    return v.UNTYPED


def _tool(payload: dict[str, Any]) -> dict[str, Any]:
    """A tool delivery as name and arguments; some tools post their bare arguments."""
    properties = payload.get("properties")
    fields = payload | properties if isinstance(properties, dict) else payload
    envelope = {name: item for name, item in fields.items() if name in _TOOL_ENVELOPE}
    if "arguments" in fields:
        names = ("name", "tool_name", "tool_call_id", "modality", "status")
        picked = {name: fields[name] for name in names if isinstance(fields.get(name), str)}
        return envelope | picked | {"arguments": fields["arguments"]}
    named = {name: fields[name] for name in ("tool_name", "tool_call_id") if isinstance(fields.get(name), str)}
    rest = {name: item for name, item in fields.items() if name not in envelope and name not in named}
    rest.pop("properties", None)
    return envelope | named | {"arguments": rest}


def _engine_at(payload: Mapping[str, Any], event_type: str) -> datetime | None:
    if event_type == v.CONVERSATION:
        created, updated = _moment(payload, "created_at"), _moment(payload, "updated_at")
        return updated or created
    moment = _moment(payload, "timestamp")
    properties = payload.get("properties")
    if moment is None and isinstance(properties, Mapping):
        moment = _moment(properties, "timestamp")
    return moment


def _moment(fields: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return parse(fields.get(name))
    except TimeProblemError as problem:
        raise TimeProblemError(problem.rule, f"{name}: {problem}") from None
