"""All deliveries of one session folded into one bundle-shaped row, whatever order they came in.

Nothing here depends on the order of arrival: events are sorted by what they say, repeats are dropped by
key, and receipt times are data that travel with a delivery.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from integrations.engine import vocabulary as v
from integrations.engine.events import Event, by_type, events, iso
from integrations.engine.media import media
from integrations.engine.scores import RubricFields, assessments, other_actions
from integrations.engine.signals import Timeline, signals
from integrations.engine.speaking import intervals
from integrations.engine.times import parse_or_none
from integrations.engine.turns import Speech, Turn, speech

__all__ = ["RubricFields", "assemble", "started_at"]

Groups = dict[str, list[Event]]
# What a score depends on. Memory stores are left out: their tags differ by learner and may be names.
_CONFIG = (
    "replica_id", "persona_id", "audio_only", "policy", "language", "languages", "document_ids", "document_tags",
    "document_retrieval_strategy", "objectives_id", "guardrails_id", "guardrail_ids", "guardrail_tags",
    "turn_detection_model", "turn_taking_patience", "replica_interruptibility", "pal_interruptibility",
    "perception_model", "llm_model", "idle_engagement", "voice_isolation", "wake_phrase",
)  # fmt: skip
_WITHOUT_TALK = ("no_show", "technical_failure")


def assemble(rows: Sequence[Mapping[str, Any]], rubric_fields: RubricFields) -> dict[str, Any]:
    """Fold rows of raw/deliveries of ONE session into one row with the BUNDLE_PARTS columns.

    Args:
        rows: at least ``session_id, event_key, event_type, engine_at, received_at, body`` each; any order,
            repeats allowed, never empty. Times are aware datetimes, ``body`` is JSON text.
        rubric_fields: ``{tool_name: (rubric_id, rubric_version, {field: criterion_id})}`` of the catalog.

    Returns:
        BUNDLE_PARTS (launch columns but ``language`` None, times as ISO text, ``payload`` of a signal as JSON text),
        ``parts_seen`` and ``parts_expected`` (of end, transcript, scores, recording, perception: sorted; ``launch``
        is the business of whoever joins launches), ``closed`` (the call is over: shutdown seen, or the pull says
        ended), ``state`` of the state machine, ``reconciled`` (a verbose pull after the end was seen), ``started_day``.

    Raises:
        ValueError: no rows, or rows of several sessions.
    """
    engine, engine_session_id = _one_session(rows)
    groups = by_type(events(rows))
    said = speech(groups)
    config = _configuration(groups)
    start, end = _start(groups, said), _end(groups)
    learner = [turn.start for turn in said.turns if turn.speaker == v.LEARNER and turn.start is not None]
    line = Timeline(start, end, sorted(learner))
    reason = _end_reason(groups)
    recordings = media(groups, audio_only=config.get("audio_only") is True)
    scored = assessments(groups, rubric_fields, said, line)
    found = signals(groups, said, line) + list(other_actions(groups, rubric_fields, line))
    closed = v.SHUTDOWN in groups or any(one.content.get("status") == "ended" for one in groups.get(v.CONVERSATION, ()))
    is_test = _is_test(groups)
    seen = _seen(groups, closed, bool(scored))
    expected = _expected(said, seen, v.end_reason(reason), config, is_test, copy_failed=v.COPY_FAILED in groups)
    return {
        "engine": engine,
        "engine_session_id": engine_session_id,
        "learner_key": None,
        "scenario_id": None,
        "scenario_version": None,
        "attempt": None,
        "assigned": None,
        "region": None,
        "jurisdiction": None,
        "language": _language(config),
        "notice_ref": None,
        "started_at": iso(start),
        "ended_at": None if end is None else iso(end),
        "end_reason": reason,
        "is_test": is_test,
        "config_hash": _digest(config),
        "turns": [_turn(turn, start) for turn in said.turns],
        "signals": found,
        "assessments": scored,
        "media": recordings,
        "parts_seen": sorted(seen),
        "parts_expected": sorted(expected),
        "closed": closed,
        "state": _state(groups, closed, seen, expected),
        "reconciled": any(
            one.content.get("events_seen") and one.content.get("status") == "ended"
            for one in groups.get(v.CONVERSATION, ())
        ),
        "started_day": datetime.fromtimestamp(start, tz=UTC).date(),
    }


def started_at(rows: Sequence[Mapping[str, Any]]) -> datetime:
    """Start of the session by the best evidence in ``rows``; its UTC date is the session's day."""
    _one_session(rows)
    groups = by_type(events(rows))
    return datetime.fromtimestamp(_start(groups, speech(groups)), tz=UTC)


def _one_session(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    sessions = {row["session_id"] for row in rows}
    if len(sessions) != 1:
        raise ValueError(f"rows of exactly one session are wanted, these are of {len(sessions)}")
    engine, _, session = sessions.pop().partition(":")
    return engine, session


def _start(groups: Groups, said: Speech) -> float:
    """When the counterpart joined, or somebody spoke before; else creation; else the first event of any kind."""
    spoken = [turn.start for turn in said.turns if turn.start is not None]
    joined = [event.at for event in groups.get(v.JOINED, ()) if event.at is not None]
    talk = [stretch.start for stretch in intervals(groups)] if not spoken else []
    if joined or spoken or talk:
        return min(joined + spoken + talk)
    rows = groups.get(v.CONVERSATION, ())
    created = [moment for row in rows if (moment := parse_or_none(row.content.get("created_at"))) is not None]
    if created:
        return min(created).timestamp()
    everything = [event for group in groups.values() for event in group]
    timed = [event.at for event in everything if event.at is not None]
    return min(timed) if timed else min(event.received for event in everything)


def _end(groups: Groups) -> float | None:
    """The first shutdown; a session that the pull calls ended without one has no known end."""
    return min((event.moment for event in groups.get(v.SHUTDOWN, ())), default=None)


def _end_reason(groups: Groups) -> str | None:
    reasons = [event.content["reason"] for event in groups.get(v.SHUTDOWN, ()) if "reason" in event.content]
    return reasons[0] if reasons else None


def _is_test(groups: Groups) -> bool:
    """A test conversation says so on its row; relays and callbacks of one may repeat it."""
    for group in groups.values():
        for event in group:
            properties = event.content.get("properties")
            if event.content.get("test_mode") is True:
                return True
            if isinstance(properties, dict) and properties.get("test_mode") is True:
                return True
    return False


def _configuration(groups: Groups) -> dict[str, Any]:
    """Engine configuration in force: the newest row of the conversation over what the join event says."""
    config: dict[str, Any] = {}
    for event in (*reversed(groups.get(v.JOINED, [])), *groups.get(v.CONVERSATION, ())):
        properties = event.content.get("properties")
        for fields in (properties if isinstance(properties, dict) else {}, event.content):
            config.update((name, fields[name]) for name in _CONFIG if fields.get(name) is not None)
    return config


def _digest(config: Mapping[str, Any]) -> str | None:
    facts = {name: config[name] for name in _CONFIG if name in config}
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest() if facts else None


def _language(config: Mapping[str, Any]) -> str | None:
    codes = config.get("languages")
    if isinstance(codes, list) and codes:
        return v.language(codes[0]) if len(codes) == 1 else v.MULTILINGUAL
    return v.language(config.get("language"))


def _turn(turn: Turn, start: float) -> dict[str, Any]:
    start_s = turn.offset if turn.start is None else turn.start - start
    return {
        "speaker": turn.speaker,
        "text": turn.text,
        "start_s": None if start_s is None else round(start_s, 3),
        "duration_s": None if turn.duration is None else round(turn.duration, 3),
        "interrupted": turn.interrupted,
        "language": None,
        "input_mode": turn.input_mode,
    }


def _seen(groups: Groups, closed: bool, scored: bool) -> set[str]:
    told = {
        "end": closed,
        "transcript": v.TRANSCRIPT in groups,
        "scores": scored,
        "recording": v.RECORDING in groups,
        "perception": v.PERCEPTION in groups or v.NO_PERCEPTION in groups,
    }
    return {part for part, there in told.items() if there}


def _expected(
    said: Speech, seen: set[str], reason: str | None, config: Mapping[str, Any], is_test: bool, *, copy_failed: bool
) -> set[str]:
    """Parts without which the session is not complete.

    A call in which nobody spoke gets no post-call action. A recording needs its client to start it, so that only one
    whose copy failed is known to be missing. Perception counts once the engine has named a model.
    """
    expected = {"end"} | (seen - {"perception"})
    if is_test or (reason in _WITHOUT_TALK and not said.turns):
        return expected
    expected.add("transcript")
    if not said.transcribed or any(turn.speaker == v.LEARNER for turn in said.turns):
        expected.add("scores")
    if copy_failed:
        expected.add("recording")
    if config.get("perception_model") not in (None, "off"):
        expected.add("perception")
    return expected | seen


def _state(groups: Groups, closed: bool, seen: set[str], expected: set[str]) -> str:
    """How far the session has come: open, shutdown, transcript, perception, scores, complete."""
    if closed and expected <= seen:
        return "complete"
    for part, state in (("scores", "scores"), ("perception", "perception"), ("transcript", "transcript")):
        if part in seen:
            return state
    return "shutdown" if closed else "open"
