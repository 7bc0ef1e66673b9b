"""Perception text hidden in other text: found, taken out, and handed to the gate under its own class.

Raven's notes do not stay in their fields. They come as ``VISUAL_SCENE:`` inside a learner's words, as
``<user_audio_analysis>`` tags, as keys of a tool's arguments, and as JSON inside strings inside JSON. An
allow-list of fields cannot see into a text that it lets pass, so what looks like a note is moved first.
When in doubt it is moved: a lost word is cheaper than a kept inference about a face.
"""

import re
from collections.abc import Callable
from typing import Any

import orjson

from integrations.engine.fields import IMAGE, PERCEPTION

MAX_DEPTH = 32  # of nesting, JSON inside strings included; real bodies stay below ten

LONGEST_NAME = 200

_NAMES = (
    "user_audio_analysis", "user_visual_analysis", "visual_context", "visual_scene", "visual_analysis",
    "audio_analysis", "audio_context", "perception_analysis", "user_emotion", "user_appearance",
)  # fmt: skip
_LABELS = "|".join(name.replace("_", "[_ -]{0,3}") for name in _NAMES)
# No back reference and no look-around: DuckDB's RE2 takes the same patterns when bundles are gated in SQL.
TAGGED = (
    rf"(?:<|&lt;)\s*(?:{_LABELS})(?:[\s/][^<>]{{0,200}})?(?:>|&gt;)"
    rf"(?:.|\n)*?(?:(?:<|&lt;)\s*/\s*(?:{_LABELS})\s*(?:>|&gt;)|\z)"
)
LABEL = rf"(?:user[_ ]speech|{_LABELS})[\\\"'`*\s]*[:=]"
SUSPECT = rf"user[_ ]speech|{_LABELS}|data:(?:image|video|audio)/"

_TAGGED = re.compile(TAGGED.replace(r"\z", r"\Z"), re.IGNORECASE)
_LABEL = re.compile(f"({LABEL})", re.IGNORECASE)
_SUSPECT = re.compile(SUSPECT, re.IGNORECASE)
_SPEECH_LABEL = re.compile(r"user[_ ]speech", re.IGNORECASE)
_DATA_URI = re.compile(r"data:(?:image|video|audio)/[^\s\"'\\]*", re.IGNORECASE)
# Keys that speak of a sense of the body, wherever they stand. `emotion` and `tone` alone may come from words.
_KEY = re.compile(
    rf"(?:.*[_.])?(?:{_LABELS}|raven[a-z_]*|gaze[a-z_]*|eye_contact|facial_[a-z_]+|face_[a-z]*emotion[a-z_]*"
    r"|posture|body_language|micro_?expressions?|vocal_[a-z_]+|voice_(?:tone|emotion|stress|tremor|pitch)[a-z_]*"
    r"|visual_(?:emotion|note|cue|observation)s?|audio_(?:emotion|note|cue|observation)s?"
    r"|perceived_emotions?|apparent_(?:age|ethnicity|gender|mood))(?:_.*)?",
    re.IGNORECASE | re.DOTALL,
)

Sink = Callable[[str, str], None]  # (signal class, text)


class TooDeepError(ValueError):
    """The value nests deeper than any real delivery."""


def split_text(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The speech in ``text``, and what was hidden in it as (signal class, note) pairs."""
    if _SUSPECT.search(text) is None:
        return text, []
    found: list[tuple[str, str]] = []

    def take(match: re.Match[str]) -> str:
        found.append((PERCEPTION, match[0]))
        return " "

    def take_image(match: re.Match[str]) -> str:
        found.append((IMAGE, match[0][:16]))
        return " "

    while _TAGGED.search(text):  # a removed tag may have stood inside another
        text = _TAGGED.sub(take, text)
    spoken, *labelled = _LABEL.split(_DATA_URI.sub(take_image, text))
    for label, part in zip(labelled[::2], labelled[1::2], strict=True):
        if _SPEECH_LABEL.match(label):
            spoken = f"{spoken.rstrip()} {part.lstrip()}"
        else:
            found.append((PERCEPTION, part.strip()))
    return spoken.strip(), found


def is_note(key: str) -> bool:
    """Whether a field of this name holds perception, wherever it stands; endless names are not searched but dropped."""
    return len(key) > LONGEST_NAME or _KEY.fullmatch(key.strip()) is not None


def clean(value: Any, sink: Sink, depth: int = 0) -> Any:
    """``value`` without anything perceived; JSON in strings is searched and written back as a string.

    Raises:
        TooDeepError: deeper than ``MAX_DEPTH``.
    """
    if isinstance(value, str):
        return _clean_text(value, sink, depth)
    if isinstance(value, dict):
        _check(depth)
        return _clean_dict(value, sink, depth)
    if isinstance(value, list):
        _check(depth)
        return [clean(item, sink, depth + 1) for item in value]
    return value


def _check(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise TooDeepError(f"nested deeper than {MAX_DEPTH} levels")


def _clean_dict(value: dict[str, Any], sink: Sink, depth: int) -> dict[str, Any]:
    if "mime_type" in value and "data" in value:
        sink(IMAGE, "frame")
        return {}
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if key == "frames":
            sink(IMAGE, "frames")
        elif is_note(key) or _SUSPECT.search(key):
            sink(PERCEPTION, text_of(item))
        else:
            kept[key] = clean(item, sink, depth + 1)
    return kept


def _clean_text(text: str, sink: Sink, depth: int) -> str:
    if text.lstrip()[:1] in ("{", "[", '"'):
        try:
            inner = orjson.loads(text)
        except orjson.JSONDecodeError:
            inner = None
        if isinstance(inner, dict | list | str):
            _check(depth)
            cleaned = clean(inner, sink, depth + 1)
            return text if cleaned == inner else orjson.dumps(cleaned).decode()
    spoken, found = split_text(text)
    for signal, note in found:
        sink(signal, note)
    return spoken


def text_of(value: Any) -> str:
    """A note as text, whatever it was written as."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
