"""Bring to the surface what a delivery hides, so that an allow-list of fields can decide about it.

Perception notes move to fields of their own. Of a transcript's ``system`` and ``tool`` entries, which hold
prompts and are confidential, only the names of documents and the fact of a passage remain.
"""

import re
from typing import Any

import orjson

from integrations.engine import vocabulary as v
from integrations.engine.fields import IMAGE, IMAGES, NOTES, RAVEN
from integrations.engine.hidden import clean

OURS = frozenset({NOTES, IMAGES, "documents", "passages", "confidential"})  # nobody else writes these
_EXTENSIONS = r"(?:pdf|txt|docx?|png|jpe?g|pptx|csv|xlsx)"
_DOCUMENT = re.compile(
    rf"[\"“]([^\"“”\n]{{1,120}}?\.{_EXTENSIONS})[\"”]"
    rf"|^[ \t]{{0,20}}[-*•][ \t]{{0,20}}([^\n]{{1,120}}?\.{_EXTENSIONS})[ \t]{{0,20}}$"
    rf"|(?<![\w&+,.\-])([\w&+,.\-]{{1,120}}?\.{_EXTENSIONS})(?![\w])",
    re.IGNORECASE | re.MULTILINE,
)
_PASSAGE = re.compile(r"information from documents", re.IGNORECASE)
_SENSED = frozenset({"vision", "visual", "video", "audio"})


def reveal(event_type: str, payload: dict[str, Any]) -> dict[str, Any]:
    """``payload`` with hidden notes in fields of their own; the argument is not altered.

    Raises:
        TooDeepError: nested deeper than any real delivery.
    """
    body = {name: item for name, item in payload.items() if name not in OURS}
    properties = body.pop("properties", None)
    aside: dict[str, Any] = {}
    if isinstance(properties, dict):
        properties = {name: item for name, item in properties.items() if name not in OURS}
        if event_type in (v.UTTERANCE, v.STREAMING):
            aside = {name: properties.pop(name) for name in RAVEN if isinstance(properties.get(name), str)}
        elif event_type == v.TRANSCRIPT and isinstance(properties.get("transcript"), list):
            aside = {"transcript": [_entry(entry) for entry in properties.pop("transcript")]}
    if event_type == v.TRANSCRIPT and isinstance(body.get("transcript"), list):
        aside = {"transcript": [_entry(entry) for entry in body.pop("transcript")]}
        properties = properties or {}
    found = Found()
    body = clean(body, found)
    if properties is not None:
        body["properties"] = clean(properties, found) | aside
    return body | found.fields()


class Found:
    """Collects notes and images on their way out of a value."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.images: list[str] = []

    def __call__(self, signal: str, text: str) -> None:
        """Take one note or image; only that there was an image is kept."""
        (self.images if signal == IMAGE else self.notes).append(text)

    def fields(self) -> dict[str, list[str]]:
        """What was found, under the names that the allow-list knows; nothing where nothing was found."""
        return {name: texts for name, texts in ((NOTES, self.notes), (IMAGES, self.images)) if texts}


def entry_text(content: Any) -> Any:
    """Content of a transcript entry; some models write it as a list of parts."""
    if isinstance(content, list):
        return " ".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return content


def _entry(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    out = {name: item for name, item in entry.items() if name not in OURS}
    found = Found()
    if isinstance(out.get("tool_calls"), list):
        out["tool_calls"] = [_call(call, found) for call in out["tool_calls"]]
    if "content" in out:
        out["content"] = entry_text(out["content"])
    raven = {name: out.pop(name) for name in RAVEN if isinstance(out.get(name), str)}
    out = clean(out, found)
    if v.speaker(out.get("role")) is None:
        _withhold_prompt(out)
    return out | raven | found.fields()


def _withhold_prompt(entry: dict[str, Any]) -> None:
    """Prompts, passages and tool results are nobody's speech: only what they cite remains."""
    content = entry.pop("content", None)
    if not isinstance(content, str) or not content.strip():
        return
    entry["confidential"] = True
    if entry.get("role") == "system":
        names = {next(filter(None, match)).strip() for match in _DOCUMENT.findall(content)}
        entry["documents"] = sorted(names)
        entry["passages"] = len(_PASSAGE.findall(content))


def _call(call: Any, found: Found) -> Any:
    if not isinstance(call, dict):
        return call
    if {str(call.get("modality")).lower(), str(call.get("origin")).lower()} & _SENSED:
        found("perception", orjson.dumps(call).decode())
        return {}
    return call
