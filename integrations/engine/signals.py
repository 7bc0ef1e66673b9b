"""Signals of a session: objectives, guardrails, tools, memory, knowledge and allowed perception.

The same objective or guardrail is told twice, once in the call with a time and once by a callback without
one. Callbacks join the in-call event where there is one, and else stand by themselves, placed at the
learner turn before their receipt and marked ``estimated``.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

import orjson

from integrations.engine import vocabulary as v
from integrations.engine.canonical import plain
from integrations.engine.events import Event
from integrations.engine.fields import NOTES, RAVEN
from integrations.engine.speaking import seconds
from integrations.engine.turns import Speech

REPEAT_S = 2.0  # an in-call event sent under two names
CALLBACK_S = 60.0  # a callback follows its in-call event, and its own retry, within this
LATE_S = 600.0  # received later than this after the end, a receipt says nothing about the time in the call
MEMORY_TOOLS = frozenset({"grep_transcripts"})
_HEADING = re.compile(r"\*\*([^*\n]{1,200}?):?\*\*:?")

Signal = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Start and end of the session and the starts of the learner's turns, epoch seconds."""

    started: float
    ended: float | None
    learner_starts: list[float]

    def exact(self, moment: float) -> float:
        """Seconds from the start for a time that the engine wrote."""
        return round(max(0.0, moment - self.started), 3)

    def estimated(self, received: float) -> float | None:
        """Seconds from the start for a receipt: the nearest learner turn before it; None long after the end."""
        if self.late(received):
            return None
        position = bisect_right(self.learner_starts, received)
        return self.exact(self.learner_starts[position - 1] if position else received)

    def late(self, received: float) -> bool:
        """Whether the receipt is too long after the session to say anything about it."""
        last = max([moment for moment in (self.ended, *self.learner_starts[-1:]) if moment is not None], default=None)
        return last is not None and received > last + LATE_S


def signals(groups: dict[str, list[Event]], speech: Speech, line: Timeline) -> list[Signal]:
    """All signals, in order of time; those without a time come last."""
    found = [
        *_objectives(groups, line),
        *_guardrails(groups, line),
        *_tools(groups, speech, line),
        *_memory(groups, line),
        *_knowledge(speech, line),
        *_perception(groups, speech, line),
    ]
    return sorted(found, key=_order)


def _order(signal: Signal) -> tuple[bool, float, str, str, str, str]:
    at = signal["at_s"]
    texts = (signal["kind"], signal["name"] or "", signal["state"] or "", signal["payload"] or "")
    return (at is None, 0.0 if at is None else at, *texts)


def signal(
    kind: str,
    name: Any,
    state: str,
    at_s: float | None,
    alignment: str | None,
    payload: Any = None,
    reason: Any = None,
) -> Signal:
    """One signal in the contract's shape; ``payload`` becomes JSON text with sorted names."""
    return {
        "kind": kind,
        "name": name if isinstance(name, str) and name else None,
        "state": state,
        "at_s": at_s,
        "reason": reason if isinstance(reason, str) and reason.strip() else None,
        "payload": None if payload is None else _json(payload),
        "alignment": alignment,
    }


def _json(value: Any) -> str:
    return orjson.dumps(plain(value), option=orjson.OPT_SORT_KEYS).decode()


def _once(
    found: Iterable[Event], line: Timeline, identity: Callable[[Event], Any], within: float = CALLBACK_S
) -> Iterator[list[Event]]:
    """Groups of events that tell one happening; in each the events that the engine timed come first.

    An event without a time joins one of the same identity whose moment is ``within`` seconds of its receipt.
    """
    clusters: dict[Any, list[list[Event]]] = {}
    ordered = sorted(found, key=lambda event: (event.at is None, event.moment, event.key))
    for event in ordered:
        groups = clusters.setdefault(identity(event), [])
        group = _same(event, groups, line, within)
        if group is None:
            groups.append([event])
        else:
            group.append(event)
    for groups in clusters.values():
        yield from groups


def _same(event: Event, groups: list[list[Event]], line: Timeline, within: float) -> list[Event] | None:
    if event.at is not None:
        return next((group for group in groups if abs(group[0].moment - event.at) <= REPEAT_S), None)
    timed = [group for group in groups if group[0].at is not None]
    if timed and line.late(event.received):
        return timed[-1]
    near = [(abs(group[0].moment - event.received), group[0].moment, group) for group in groups]
    near = [item for item in near if item[0] <= within]
    return min(near, key=lambda item: item[:2])[2] if near else None


def _place(event: Event, line: Timeline) -> tuple[float | None, str]:
    if event.at is not None:
        return line.exact(event.at), "exact"
    return line.estimated(event.received), "estimated"


def _first(group: list[Event], *names: str) -> Any:
    """The first value under one of the names that any event of the group has."""
    return next((event.content[name] for event in group for name in names if name in event.content), None)


def _objectives(groups: dict[str, list[Event]], line: Timeline) -> Iterator[Signal]:
    for kind, state in v.OBJECTIVES.items():
        named = [event for event in groups.get(kind, ()) if isinstance(event.content.get("objective_name"), str)]

        def identity(event: Event) -> tuple[str, str]:
            return event.content["objective_name"], _json(event.content.get("variables"))

        for group in _once(named, line, identity, within=inf):  # an objective is completed once
            variables = _first(group, "variables")
            yield signal("objective", group[0].content["objective_name"], state, *_place(group[0], line), variables)


def _guardrails(groups: dict[str, list[Event]], line: Timeline) -> Iterator[Signal]:
    found = groups.get(v.GUARDRAIL, [])
    uuids = {
        event.content["name"]: event.content["guardrail_uuid"]
        for event in sorted(found, key=lambda event: event.key)
        if isinstance(event.content.get("name"), str) and isinstance(event.content.get("guardrail_uuid"), str)
    }
    names = {uuid: name for name, uuid in sorted(uuids.items())}

    def identity(event: Event) -> Any:
        uuid, name = event.content.get("guardrail_uuid"), event.content.get("name")
        return uuid if isinstance(uuid, str) else uuids.get(name, name) if isinstance(name, str) else None

    for group in _once((event for event in found if identity(event) is not None), line, identity):
        uuid = _first(group, "guardrail_uuid")
        name = _first(group, "name") or names.get(uuid) or uuid
        payload = {"guardrail_uuid": uuid} if uuid is not None else None
        yield signal("guardrail", name, "triggered", *_place(group[0], line), payload, _first(group, "reason"))


def _tools(groups: dict[str, list[Event]], speech: Speech, line: Timeline) -> Iterator[Signal]:
    """One signal per call: relay, API delivery and transcript tell the same call under one id."""
    results = {
        event.content["tool_call_id"]: event.content.get("status")
        for event in groups.get(v.TOOL_RESULT, ())
        if isinstance(event.content.get("tool_call_id"), str)
    }
    calls = [
        event
        for event in (*groups.get(v.TOOL_CALL, ()), *groups.get(v.TOOL_DELIVERY, ()))
        if event.type == v.TOOL_DELIVERY or isinstance(event.content.get("name"), str)
    ]
    told: set[Any] = set()

    def identity(event: Event) -> Any:
        call = event.content.get("tool_call_id")
        return call if isinstance(call, str) else (event.content.get("name"), _json(event.content.get("arguments")))

    for group in _once(calls, line, identity):
        call, name = _first(group, "tool_call_id"), _first(group, "name") or "unnamed_tool"
        told.add(call)
        state = _tool_state(call in results, results.get(call))
        yield signal(_tool_kind(name), name, state, *_place(group[0], line), _first(group, "arguments"))
    for entry in speech.entries:
        for call in entry.get("tool_calls") or ():
            name = _called(call)
            if name is not None and call.get("id") not in told:
                told.add(call.get("id") or object())
                yield signal(_tool_kind(name), name, "called", *_entry_place(entry, speech, line))


def _tool_state(answered: bool, status: Any) -> str:
    if not answered:
        return "called"
    return "failed" if isinstance(status, str) and status.lower() in ("error", "failed", "failure") else "completed"


def _tool_kind(name: Any) -> str:
    return "memory" if name in MEMORY_TOOLS else "tool"


def _called(call: Any) -> str | None:
    if not isinstance(call, dict):
        return None
    function = call.get("function")
    name = function.get("name") if isinstance(function, dict) else call.get("name")
    return name if isinstance(name, str) and name else None


def _entry_place(entry: dict[str, Any], speech: Speech, line: Timeline) -> tuple[float | None, str | None]:
    offset = seconds(entry.get("seconds_from_start"))
    if entry["at"] is not None:
        return line.exact(entry["at"]), "exact"
    if offset is None:
        return None, None
    return line.exact(speech.zero + offset) if speech.zero is not None else round(max(0.0, offset), 3), "exact"


def _memory(groups: dict[str, list[Event]], line: Timeline) -> Iterator[Signal]:
    for group in _once(groups.get(v.MEMORY, ()), line, lambda _: None):
        yield signal("memory", None, "consolidated", *_place(group[0], line))


def _knowledge(speech: Speech, line: Timeline) -> Iterator[Signal]:
    """Documents that the transcript's system entries cite: attached, or retrieved where a passage came along."""
    seen: set[tuple[str | None, str]] = set()
    for entry in speech.entries:
        retrieved = bool(entry.get("passages"))
        state = "retrieved" if retrieved else "attached"
        names = entry.get("documents") or ([None] if retrieved else [])
        for name in names:
            if (name, state) not in seen:
                seen.add((name, state))
                yield signal("knowledge", name, state, *_entry_place(entry, speech, line))


def _perception(groups: dict[str, list[Event]], speech: Speech, line: Timeline) -> Iterator[Signal]:
    """Only what a policy allowed is left here to be found."""
    for kind, name in ((v.PERCEPTION, None), (v.RAVEN_MEMORY, "raven_memory_evidence")):
        texts = [event for event in groups.get(kind, ()) if isinstance(event.content.get("analysis"), str)]
        for group in _once(texts, line, lambda event: event.content["analysis"]):
            place = _place(group[0], line)
            for heading, text in headed(group[0].content["analysis"]):
                yield signal("perception", heading or name, "analysed", *place, {"text": text})
    for group in _once(
        (event for event in groups.get(v.PERCEPTION_TOOL, ()) if isinstance(event.content.get("name"), str)),
        line,
        lambda event: (event.content["name"], _json(event.content.get("arguments"))),
    ):
        arguments = _first(group, "arguments")
        yield signal("perception", group[0].content["name"], "called", *_place(group[0], line), arguments)
    for turn in speech.turns:
        at_s = turn.offset if turn.start is None else line.exact(turn.start)
        for name in (*RAVEN, NOTES):
            if name in turn.notes:
                alignment = None if at_s is None else "exact"
                yield signal("perception", name, "noted", at_s, alignment, {"text": turn.notes[name]})


def headed(markdown: str) -> list[tuple[str | None, str]]:
    """Raven's markdown as (heading, text), one pair per bold heading; text before the first has none."""
    before, *rest = _HEADING.split(markdown)
    pairs: list[tuple[str | None, str]] = [(None, before.strip())] if before.strip() else []
    pairs += [(name.strip(), text.strip()) for name, text in zip(rest[::2], rest[1::2], strict=True)]
    return pairs
