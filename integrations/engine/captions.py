"""WebVTT captions of a recording, from the turns of its session."""

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

LEAST_S = 0.4  # a shorter cue cannot be read
WORDS_A_SECOND = 2.6  # of ordinary speech: how long a turn without a duration stays
VOICES = {"learner": "Learner", "counterpart": "Counterpart"}
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_UNSAFE = re.compile(r"[&<>]")
_BLANK = re.compile(r"\s+")


def webvtt(turns: Sequence[Mapping[str, Any]], offset_s: float, language: str | None = None) -> str | None:
    """Captions in recording time (turn time + ``offset_s``); None where no turn has timing.

    Args:
        turns: ``speaker, text, start_s, duration_s`` each, in order. Turns without a start have no cue.
        offset_s: seconds to add to transcript time to get recording time.
        language: BCP 47, noted in the header.
    """
    timed = [turn for turn in turns if turn.get("start_s") is not None and (turn.get("text") or "").strip()]
    cues = [_cue(turn, following, offset_s) for turn, following in zip_longest(timed, timed[1:])]
    written = [cue for cue in cues if cue is not None]
    if not written:
        return None
    header = ["WEBVTT"] + ([f"Language: {language}"] if language and language != "mul" else [])
    return "\n".join(header) + "\n\n" + "\n".join(written)


def timestamp(seconds: float) -> str:
    """``hh:mm:ss.mmm``; hours are always written, and may exceed 99."""
    millis = round(seconds * 1000)
    hours, rest = divmod(millis, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _cue(turn: Mapping[str, Any], following: Mapping[str, Any] | None, offset_s: float) -> str | None:
    start = turn["start_s"] + offset_s
    end = start + _length(turn, following)
    if end <= 0:
        return None  # spoken before the recording began
    text = _BLANK.sub(" ", turn["text"]).strip()
    escaped = _UNSAFE.sub(lambda match: _ESCAPES[match[0]], text)
    voice = VOICES.get(turn.get("speaker") or "", "")
    said = f"<v {voice}>{escaped}</v>" if voice else escaped
    return f"{timestamp(max(0.0, start))} --> {timestamp(end)}\n{said}\n"


def _length(turn: Mapping[str, Any], following: Mapping[str, Any] | None) -> float:
    """The turn's duration; without one, as long as its words take, but not into the next turn."""
    duration = turn.get("duration_s")
    if duration is not None:
        return max(LEAST_S, duration)
    words = max(LEAST_S, len(turn["text"].split()) / WORDS_A_SECOND)
    if following is None:
        return words
    return max(LEAST_S, min(words, following["start_s"] - turn["start_s"]))
