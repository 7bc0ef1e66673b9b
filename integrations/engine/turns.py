"""Speech turns of a session: from the transcript where there is one, enriched by the relay, else from the relay."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from integrations.engine import vocabulary as v
from integrations.engine.events import Event
from integrations.engine.fields import NOTES, RAVEN
from integrations.engine.speaking import NEAR_S, Interval, Utterance, intervals, seconds, text_key, utterances


@dataclass(slots=True)
class Turn:
    """One speech turn; ``start`` in epoch seconds, or ``offset`` in seconds where only that is known."""

    speaker: str
    text: str
    start: float | None = None
    offset: float | None = None
    duration: float | None = None
    interrupted: bool | None = None
    input_mode: str | None = None
    inference_id: str | None = None
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Speech:
    """Turns in order, what else the transcript holds, and where its clock starts (epoch seconds)."""

    turns: list[Turn]
    entries: list[dict[str, Any]]
    zero: float | None
    transcribed: bool


def speech(groups: dict[str, list[Event]]) -> Speech:
    """Everything that was said, whatever channel told it."""
    stretches = intervals(groups)
    heard = utterances(groups, stretches)
    event = _best(groups.get(v.TRANSCRIPT, []))
    if event is None:
        return Speech([_from_relay(one) for one in _in_order(heard)], [], None, transcribed=False)
    entries = event.content["entries"]
    zero = _zero(entries)
    turns = [_from_entry(entry, zero) for entry in entries if _is_speech(entry)]
    if heard or stretches:
        _enrich(turns, heard, stretches)
    return Speech(turns, entries, zero, transcribed=True)


def _best(transcripts: list[Event]) -> Event | None:
    """The fullest transcript: most speech, then most timing, then the latest; the key settles the rest."""

    def rank(event: Event) -> tuple[int, int, float, str]:
        said = [entry for entry in event.content["entries"] if _is_speech(entry)]
        timed = sum(entry["at"] is not None or "seconds_from_start" in entry for entry in said)
        return len(said), timed, event.moment, event.key

    return max(transcripts, key=rank, default=None)


def _is_speech(entry: dict[str, Any]) -> bool:
    text = entry["text"]
    return entry["role"] in (v.LEARNER, v.COUNTERPART) and isinstance(text, str) and bool(text.strip())


def _zero(entries: list[dict[str, Any]]) -> float | None:
    """Epoch seconds at which ``seconds_from_start`` is 0."""
    known = [
        entry["at"] - offset
        for entry in entries
        if entry["at"] is not None and (offset := seconds(entry.get("seconds_from_start"))) is not None
    ]
    return median(known) if known else None


def _from_entry(entry: dict[str, Any], zero: float | None) -> Turn:
    offset = seconds(entry.get("seconds_from_start"))
    start = entry["at"]
    if start is None and offset is not None and zero is not None:
        start = zero + offset
    notes = {name: entry[name] for name in RAVEN if name in entry}
    if NOTES in entry:
        notes[NOTES] = "\n".join(entry[NOTES])
    interrupted = entry.get("interrupted")
    return Turn(
        entry["role"],
        entry["text"].strip(),
        start,
        offset,
        seconds(entry.get("duration")),
        interrupted if isinstance(interrupted, bool) else None,
        None,
        entry.get("inference_id"),
        notes,
    )


def _in_order(heard: list[Utterance]) -> list[Utterance]:
    said = [one for one in heard if one.text.strip()]
    return sorted(said, key=lambda one: (one.at if one.interval is None else one.interval.start, one.at, one.text))


def _from_relay(one: Utterance) -> Turn:
    turn = Turn(one.speaker, one.text.strip(), notes=dict(one.notes), inference_id=one.inference_id)
    _apply(turn, one)
    return turn


def _enrich(turns: list[Turn], heard: list[Utterance], stretches: list[Interval]) -> None:
    for turn in turns:
        one = _utterance_of(turn, heard)
        if one is not None:
            one.taken = True
            if one.interrupted and one.spoken is not None and turn.speaker == v.COUNTERPART:
                turn.text = one.spoken.strip() or turn.text
            turn.notes = {**one.notes, **turn.notes}
            _apply(turn, one)
        elif turn.start is not None:
            _apply_interval(turn, _nearest(turn, stretches))


def _utterance_of(turn: Turn, heard: list[Utterance]) -> Utterance | None:
    """The relayed utterance that a transcribed turn is: by inference id, by words, by time."""
    free = [one for one in heard if one.speaker == turn.speaker and not one.taken]
    if turn.inference_id is not None and turn.speaker == v.COUNTERPART:
        same = next((one for one in free if one.inference_id == turn.inference_id), None)
        if same is not None:
            return same
    words = text_key(turn.text)
    return next((one for one in free if words in one.words), None)


def _apply(turn: Turn, one: Utterance) -> None:
    turn.input_mode = "typed" if one.typed else "voice"
    if one.interrupted is not None:
        turn.interrupted = one.interrupted
    if one.typed and turn.start is None:
        turn.start = one.at
    _apply_interval(turn, one.interval)


def _apply_interval(turn: Turn, stretch: Interval | None) -> None:
    if stretch is None:
        return
    if turn.start is None:
        turn.start = stretch.start
    if turn.duration is None and stretch.end is not None:
        turn.duration = max(0.0, stretch.end - stretch.start)
    if turn.interrupted is None:
        turn.interrupted = stretch.interrupted
    turn.input_mode = turn.input_mode or "voice"


def _nearest(turn: Turn, stretches: list[Interval]) -> Interval | None:
    start = turn.start or 0.0
    free = [
        (abs(one.start - start), one.start, one) for one in stretches if one.speaker == turn.speaker and not one.taken
    ]
    near = min(free, key=lambda item: item[:2], default=None)
    if near is None or near[0] > NEAR_S:
        return None
    near[2].taken = True
    return near[2]
