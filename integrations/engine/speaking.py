"""What a client relay tells about speech: when somebody spoke, what was really said, who was cut off."""

import re
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from integrations.engine import vocabulary as v
from integrations.engine.events import Event

_NOT_WORDS = re.compile(r"[\W_]+")
LONGEST_S = 31 * 86_400.0  # no session lasts a month: a larger number is no time in it
TWIN_S = 0.75  # old and new name of one event are this close at most
TWIN_UTTERANCE_S = 2.0
ECHO_S = 10.0  # typed input that comes back as an utterance does so within this
NEAR_S = 3.0  # a learner's utterance belongs to an interval whose start is this near


@dataclass(slots=True)
class Interval:
    """One stretch of speech; ``end`` is None while nobody said that it stopped. Epoch seconds."""

    speaker: str
    start: float
    end: float | None = None
    interrupted: bool | None = None
    inference_id: str | None = None
    open: bool = True
    taken: bool = False


@dataclass(slots=True)
class Utterance:
    """One utterance: ``intended`` by the model, ``spoken`` by the last streaming frame."""

    speaker: str
    at: float
    intended: str | None = None
    spoken: str | None = None
    interrupted: bool | None = None
    inference_id: str | None = None
    typed: bool = False
    notes: dict[str, str] = field(default_factory=dict)
    interval: Interval | None = None
    taken: bool = False
    _words: tuple[str, str] | None = None

    @property
    def words(self) -> tuple[str, str]:
        """The words of what was heard and of what was meant; asked for once all is known of the utterance."""
        if self._words is None:
            self._words = (text_key(self.text), text_key(self.intended or ""))
        return self._words

    @property
    def text(self) -> str:
        """What was said: of a cut-off reply only the part that was heard."""
        if self.interrupted and self.spoken is not None:
            return self.spoken
        return self.intended or self.spoken or ""


def intervals(groups: dict[str, list[Event]]) -> list[Interval]:
    """Stretches of speech from started and stopped events, twins dropped, in order of their start."""
    found: list[Interval] = []
    last: dict[str, Interval] = {}
    for event in sorted(
        (*groups.get(v.STARTED, ()), *groups.get(v.STOPPED, ())),
        key=lambda one: (one.moment, one.type != v.STARTED, "duration" not in one.content, one.key),
    ):
        speaker = event.content.get("speaker")
        if speaker is None:
            continue
        current = last.get(speaker)
        if event.type == v.STARTED:
            if current is None or not (current.open and event.moment - current.start <= TWIN_S):
                current = last[speaker] = Interval(speaker, event.moment)
                found.append(current)
            current.inference_id = current.inference_id or event.content.get("inference_id")
        else:
            _stop(event, current, speaker, last, found)
    return sorted(found, key=lambda one: (one.start, one.speaker, one.end or one.start))


def _stop(
    event: Event, current: Interval | None, speaker: str, last: dict[str, Interval], found: list[Interval]
) -> None:
    duration = seconds(event.content.get("duration"))
    twin = current is not None and current.end is not None and event.moment - current.end <= TWIN_S
    if current is None or not (current.open or twin):
        if duration is None:
            return  # a stop without a start or a duration says nothing about a stretch
        current = last[speaker] = Interval(speaker, event.moment - duration)
        found.append(current)
    if current.open:
        current.open = False
        current.end = event.moment if duration is None else current.start + duration
    interrupted = event.content.get("interrupted")
    if isinstance(interrupted, bool):
        current.interrupted = interrupted or bool(current.interrupted)
    current.inference_id = current.inference_id or event.content.get("inference_id")


def utterances(groups: dict[str, list[Event]], stretches: list[Interval]) -> list[Utterance]:
    """Utterances in order, each once: twins (`pal` and `replica`) and streaming frames folded."""
    found: list[Utterance] = []
    by_inference: dict[tuple[str, str], Utterance] = {}
    for event in groups.get(v.UTTERANCE, ()):
        _utter(event, found, by_inference)
    _stream(groups.get(v.STREAMING, ()), found, by_inference)
    for event in groups.get(v.RESPOND, ()):
        if isinstance(event.content.get("text"), str):
            found.append(Utterance(v.LEARNER, event.moment, intended=event.content["text"], typed=True))
    found = _without_echo_of_typed(sorted(found, key=lambda one: (one.at, one.speaker, one.text)))
    for one in found:
        one.interval = None if one.typed else _interval_of(one, stretches)
        if one.interval is not None:
            one.interval.taken = True
            if one.interrupted is None:
                one.interrupted = one.interval.interrupted
            elif one.interval.interrupted:
                one.interrupted = True
    return found


def _utter(event: Event, found: list[Utterance], by_inference: dict[tuple[str, str], Utterance]) -> None:
    fields = event.content
    speaker, speech = fields.get("speaker"), fields.get("speech")
    if speaker is None or not isinstance(speech, str):
        return
    inference = fields.get("inference_id")
    twin = by_inference.get((speaker, inference)) if inference is not None else None
    if twin is None:
        twin = next(
            (
                one
                for one in found
                if one.speaker == speaker and one.intended == speech and event.moment - one.at <= TWIN_UTTERANCE_S
            ),
            None,
        )
    if twin is None:
        twin = Utterance(speaker, event.moment, inference_id=inference)
        found.append(twin)
    if inference is not None:
        by_inference[speaker, inference] = twin
    twin.intended = speech if twin.intended is None or len(speech) > len(twin.intended) else twin.intended
    if isinstance(fields.get("interrupted"), bool):
        twin.interrupted = fields["interrupted"] or bool(twin.interrupted)
    for name in ("user_audio_analysis", "user_visual_analysis", "visual_context"):
        if name in fields:
            twin.notes[name] = fields[name]


def _stream(frames: Any, found: list[Utterance], by_inference: dict[tuple[str, str], Utterance]) -> None:
    """The last frame of an utterance holds what was said; frames without an inference id say nothing lasting."""
    last: dict[tuple[str, str], tuple[tuple[float, float, bool, int, str], Event]] = {}
    cut: set[tuple[str, str]] = set()
    for event in frames:
        fields = event.content
        speaker, inference = fields.get("speaker"), fields.get("inference_id")
        if speaker is None or inference is None or not isinstance(fields.get("speech"), str):
            continue
        index = number(fields.get("content_index"))
        speech = fields["speech"]
        rank = (-1.0 if index is None else index, event.moment, fields.get("final") is True, len(speech), event.key)
        name = (speaker, inference)
        if fields.get("interrupted") is True:
            cut.add(name)
        if name not in last or rank > last[name][0]:
            last[name] = (rank, event)
    for name, (_, event) in sorted(last.items()):
        whole = by_inference.get(name)
        if whole is None:
            whole = Utterance(name[0], event.moment, inference_id=name[1])
            found.append(whole)
        whole.spoken = event.content["speech"]
        if name in cut:
            whole.interrupted = True


def _without_echo_of_typed(found: list[Utterance]) -> list[Utterance]:
    """Typed input comes back as an utterance on some days: keep the typed one."""
    typed = [one for one in found if one.typed]
    if not typed:
        return found

    def echoes(one: Utterance) -> bool:
        return (
            not one.typed
            and one.speaker == v.LEARNER
            and any(text_key(one.text) == text_key(other.text) and abs(one.at - other.at) <= ECHO_S for other in typed)
        )

    return [one for one in found if not echoes(one)]


def _interval_of(one: Utterance, stretches: list[Interval]) -> Interval | None:
    """The stretch in which it was spoken: by inference id for the counterpart, by time for the learner."""
    free = [stretch for stretch in stretches if stretch.speaker == one.speaker and not stretch.taken]
    if one.inference_id is not None and one.speaker == v.COUNTERPART:
        same = next((stretch for stretch in free if stretch.inference_id == one.inference_id), None)
        if same is not None:
            return same
    near = [(_distance(one.at, stretch), stretch.start, stretch) for stretch in free]
    near = [item for item in near if item[0] <= NEAR_S]
    return min(near, key=lambda item: item[:2])[2] if near else None


def _distance(at: float, stretch: Interval) -> float:
    end = stretch.start if stretch.end is None else stretch.end
    return 0.0 if stretch.start <= at <= end else min(abs(at - stretch.start), abs(at - end))


def number(value: Any) -> float | None:
    """A finite number, or None: true is no number, and text is none either."""
    kind = type(value)
    if kind is float:
        return value if isfinite(value) else None
    return float(value) if kind is int else None


def seconds(value: Any) -> float | None:
    """A number of seconds that a session can hold; None for anything else."""
    found = number(value)
    return found if found is not None and abs(found) <= LONGEST_S else None


def text_key(text: str) -> str:
    """Words alone, for comparing what two channels wrote of the same speech."""
    return _NOT_WORDS.sub("", text.casefold())
