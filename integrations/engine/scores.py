"""Rubric scores from post-call actions: a customer's tool that the engine's model fills, read by our mapping."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.engine import vocabulary as v
from integrations.engine.events import Event, iso
from integrations.engine.signals import Signal, Timeline, signal
from integrations.engine.speaking import number, text_key
from integrations.engine.turns import Speech

Fields = Mapping[str, str]
# Tool → rubric id, version, {field: criterion id}; a fourth item names fields that are no scores: see Roles.
RubricFields = Mapping[str, tuple[str, str, Fields] | tuple[str, str, Fields, Mapping[str, Any]]]
Assessment = dict[str, Any]

REPEAT_S = 1.0
COMMENTS = ("_comment", "_reason", "_rationale", "_feedback", "_justification")
OVERALLS = frozenset({"overall", "overall_score", "total", "total_score", "score"})  # code decides, not the model
QUOTE_LEAST = 8  # letters; a shorter quote would match anywhere
CLOCK_SLACK_S = 1.0  # highlights give whole seconds
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)(?:\.\d+)?")
LONGEST_NUMBER = 40
_FRACTION = re.compile(r"([+-]?\d+(?:\.\d+)?)(?:\s*/\s*\d+(?:\.\d+)?)?")


@dataclass(frozen=True, slots=True)
class Roles:
    """Fields of a tool that hold no score; a name that the customer did not give is the usual one."""

    comments: Mapping[str, str] = field(default_factory=dict)
    evidence: str = "highlights_json"
    overall: str = "overall"
    scorer_version: str = "scorer_version"

    @classmethod
    def of(cls, named: Mapping[str, Any]) -> "Roles":
        """From the catalog's post-call mapping, where None means that nothing was said."""
        return cls(**{name: value for name, value in named.items() if value is not None})

    def holds(self, name: str) -> bool:
        """Whether a field of this name is known to be no score."""
        return name in (self.evidence, self.overall, self.scorer_version) or name.lower() in OVERALLS


def assessments(
    groups: dict[str, list[Event]], fields: RubricFields, speech: Speech, line: Timeline
) -> list[Assessment]:
    """One per scored post-call action, each once; an action whose delivery failed scored all the same."""
    found: list[tuple[float, Assessment]] = []
    for event in groups.get(v.POST_CALL, ()):
        one = _assessment(event, fields, speech, line)
        if one is not None and not any(_same(one, other) and event.moment - at <= REPEAT_S for at, other in found):
            found.append((event.moment, one))
    return [one for _, one in found]


def other_actions(groups: dict[str, list[Event]], fields: RubricFields, line: Timeline) -> Iterator[Signal]:
    """Post-call actions that no rubric reads are tool signals."""
    seen: set[Any] = set()
    for event in groups.get(v.POST_CALL, ()):
        name = event.content.get("tool_name")
        if not isinstance(name, str) or name in fields or name in seen:
            continue
        seen.add(name)
        state = "failed" if event.content.get("status") == "error" else "completed"
        timed = event.at is not None
        yield signal("tool", name, state, line.exact(event.moment) if timed else None, "exact" if timed else None)


def _same(one: Assessment, other: Assessment) -> bool:
    return {**one, "scored_at": None} == {**other, "scored_at": None}


def _assessment(event: Event, fields: RubricFields, speech: Speech, line: Timeline) -> Assessment | None:
    body, tool = event.content.get("body"), event.content.get("tool_name")
    if not isinstance(body, dict) or not isinstance(tool, str) or tool not in fields:
        return None
    rubric_id, rubric_version, criteria, *more = fields[tool]
    roles = Roles.of(more[0] if more else {})
    evidence = _Evidence(body, roles.evidence, speech, line)
    named = sorted(criteria.items())
    named += [(name, name) for name in sorted(body) if name not in criteria and _stray(name, body, roles)]
    scored = [_criterion(name, body, criterion, roles, evidence) for name, criterion in named]
    return {
        "rubric_id": rubric_id,
        "rubric_version": rubric_version,
        "scorer": {"kind": "engine_llm", "id": tool, "version": _version(body, event, roles)},
        "scored_at": iso(event.moment),
        "criteria": [one for one in scored if one is not None],
    }


def _version(body: Mapping[str, Any], event: Event, roles: Roles) -> str:
    """What the report says of its scorer, else the id of the tool."""
    for said in (body.get(roles.scorer_version), event.content.get("tool_id")):
        if isinstance(said, str | int) and not isinstance(said, bool) and str(said).strip():
            return str(said)
    return "unknown"


def _stray(name: str, body: Mapping[str, Any], roles: Roles) -> bool:
    """A number under a name that the mapping does not know: core refuses it with a reason, rather than lose it."""
    return not roles.holds(name) and number(body[name]) is not None


def _criterion(
    name: str, body: Mapping[str, Any], criterion: str, roles: Roles, evidence: "_Evidence"
) -> dict[str, Any] | None:
    """One score; None where the model left the field out or null, a null score where it wrote no number."""
    value = body.get(name)
    detail = value if isinstance(value, dict) else {}
    raw = detail.get("score", detail.get("value")) if detail else value
    if raw is None:
        return None
    places = [(detail, key) for key in ("comment", "reason", "rationale")]
    places += [(body, key) for key, about in sorted(roles.comments.items()) if about == criterion]
    places += [(body, name + end) for end in COMMENTS]
    comment = next((inside[key] for inside, key in places if isinstance(inside.get(key), str)), None)
    return {
        "criterion_id": criterion,
        "score": score(raw),
        "min": number(detail.get("min")),
        "max": number(detail.get("max")),
        "evidence_turns": evidence.turns({name, criterion}, detail.get("evidence", body.get(f"{name}_evidence"))),
        "comment": comment,
    }


def score(raw: Any) -> float | None:
    """A number, also as text ("3", "3.5", "3/5"); None for anything else: absent is not 0."""
    if isinstance(raw, str):
        match = _FRACTION.fullmatch(raw.strip()) if len(raw) <= LONGEST_NUMBER else None
        return number(float(match[1])) if match else None
    return number(raw)


class _Evidence:
    """Highlights of one judgement, mapped to turns by quote, else by time.

    A highlight that names no criterion supports the judgement as a whole, hence each of its criteria.
    """

    def __init__(self, body: Mapping[str, Any], name: str, speech: Speech, line: Timeline) -> None:
        self._speech = speech
        self._zero = line.started if speech.zero is None else speech.zero
        self._started = line.started
        self._words: list[str] | None = None  # made when the first quote asks for it
        highlights = body.get(name, body.get("highlights"))
        self._highlights = [
            (one.get("criterion", one.get("criterion_id", one.get("field"))), self._turn(one))
            for one in (highlights if isinstance(highlights, list) else [])
            if isinstance(one, dict)
        ]

    def turns(self, names: set[str], own: Any) -> list[int] | None:
        """Ordinals cited for a criterion that goes by any of ``names``; None where nothing could be mapped."""
        named = [*names]  # a list: a model may write anything for a criterion, and not all of it can be hashed
        cited = {
            turn
            for criterion, turn in self._highlights
            if turn is not None and (criterion is None or criterion in named)
        }
        for one in own if isinstance(own, list) else [own]:
            turn = self._turn(one if isinstance(one, dict) else {"quote": one})
            if turn is not None:
                cited.add(turn)
        return sorted(cited) or None

    def _turn(self, highlight: Mapping[str, Any]) -> int | None:
        quote = highlight.get("quote", highlight.get("text"))
        words = text_key(quote) if isinstance(quote, str) else ""
        if len(words) >= QUOTE_LEAST:
            if self._words is None:
                self._words = [text_key(turn.text) for turn in self._speech.turns]
            for ordinal, spoken in enumerate(self._words):
                if words in spoken:
                    return ordinal
        at = clock(highlight.get("timestamp", highlight.get("time", highlight.get("at"))))
        return None if at is None else self._at(at)

    def _at(self, seconds: float) -> int | None:
        """The turn being spoken at a time on the transcript's clock."""
        found = None
        for ordinal, turn in enumerate(self._speech.turns):
            start = turn.offset if turn.start is None else turn.start - self._zero
            if start is not None and start <= seconds + CLOCK_SLACK_S:
                found = ordinal
        return found


def clock(value: Any) -> float | None:
    """Seconds of "02:10", "1:02:10", 130 or "130"."""
    if isinstance(value, str):
        match = _CLOCK.fullmatch(value.strip())
        if match:
            return int(match[1] or 0) * 3600 + int(match[2]) * 60 + int(match[3])
        return score(value)
    return number(value)
