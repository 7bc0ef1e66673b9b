"""Perception text of one German learner in every wire format, as files for ``rolecall ingest``.

Each note holds a word of its own, so that one that is found afterwards tells which format let it through.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.perception import CARRIERS, FREE, KEYS, MIXED, MIXES, OUTRIGHT, WRAPS, Item
from support.wire import SESSION, at

PREFIX = "zqnote"
LEARNER = "e-planted"
COLLEAGUES = 8  # in the directory alone
BUNDLE = "b-planted"
LETTERS = "abcdefghijkmnpqr"


def word(number: int) -> str:
    """A word of letters alone that stands in no other text, the same for the same number."""
    return PREFIX + "".join(LETTERS[int(digit, 16)] for digit in f"{number:04x}")


def plant(folder: Path) -> dict[str, str]:
    """Write the registries, the deliveries and a bundle; which format each word was planted in."""
    folder.mkdir(parents=True)
    who = {"tenant": "acme", "learner_id": LEARNER, "jurisdiction": "DE"}
    said = {"region": "EMEA", "scenario_id": "feedback-missed-release", "scenario_version": "3", "language": "en"}
    _write(folder / "learners.jsonl", [_person(number, who) for number in range(COLLEAGUES + 1)])
    _write(folder / "launches.jsonl", [{**who, **said, "conversation_id": SESSION, "launched_at": at(-60)}])
    words: dict[str, str] = {}
    items = [CARRIERS[number % len(CARRIERS)](one) for number, one in enumerate(_events(words))]
    _write(folder / "deliveries.jsonl", [each for each in items if not isinstance(each["body"], bytes)])
    bare = [each["body"] for each in items if isinstance(each["body"], bytes)]
    (folder / "bare.jsonl").write_bytes(b"\n".join(bare) + b"\n")
    _write(folder / "bundles.jsonl", [_bundle(words, {**who, **said})])
    return words


def _person(number: int, who: dict[str, Any]) -> dict[str, Any]:
    """The learner, or a colleague who never practised."""
    if number == 0:
        return {**who, "name": "Anke Beispiel", "email": "anke@acme.example", "region": "EMEA"}
    name = f"{word(number).removeprefix('zq').title()} Muster"
    learner = f"{LEARNER}-{number}"
    return {**who, "learner_id": learner, "name": name, "email": f"{learner}@acme.example", "region": "EMEA"}


def _events(words: dict[str, str]) -> Iterator[Item]:
    """Every event of the tables, with a fresh word in each."""
    for place, made in MIXED.items():
        for number, mix in enumerate(MIXES):
            name = f"{place}, mix {number}"
            yield made(mix(_fresh(words, name)))
    for place, made in FREE.items():
        for number, key in enumerate(KEYS):
            name = f"{place}, {key}"
            value: Any = {key: _fresh(words, name), "summary": "kept words"}
            yield made(WRAPS[number % len(WRAPS)](value))
    for place, made in OUTRIGHT.items():
        yield made(_fresh(words, place))


def _fresh(words: dict[str, str], name: str) -> str:
    fresh = word(len(words))
    words[fresh] = name
    return fresh


def _bundle(words: dict[str, str], launch: dict[str, Any]) -> dict[str, Any]:
    def note(name: str) -> str:
        return _fresh(words, f"bundle, {name}")

    hidden = "I was going to send it on Friday. <user_audio_analysis>{}</user_audio_analysis>"
    perceived = {"kind": "perception", "state": "noted", "at_s": 3.0}
    return {
        "format": "rolecall.session/1",
        "engine": "generic",
        "engine_session_id": BUNDLE,
        "launch": launch,
        "started_at": at(7200),
        "ended_at": at(7500),
        "turns": [
            {"speaker": "learner", "text": hidden.format(note("turn")), "start_s": 1.0, "duration_s": 2.0},
            {
                "speaker": "counterpart",
                "text": "Go on.",
                "start_s": 4.0,
                "user_visual_analysis": note("field of a turn"),
            },
        ],
        "signals": [
            {**perceived, "name": note("name"), "reason": note("reason"), "payload": {"gaze": note("payload")}},
            {"kind": "objective", "name": "o", "at_s": 5.0, "payload": {"user_audio_analysis": note("objective")}},
            {"kind": "tool", "name": "t", "at_s": 6.0, "payload": {"arguments": {"vocal_tone": note("tool")}}},
        ],
        "assessments": [
            {
                "rubric_id": "feedback",
                "rubric_version": "3",
                "scorer": {"kind": "engine_llm", "id": "submit_rubric", "version": "1"},
                "scored_at": at(7600),
                "criteria": [
                    {"criterion_id": "empathy", "score": 3, "comment": hidden.format(note("comment"))},
                ],
            }
        ],
        "perception_analysis": note("field of the bundle"),
    }


def _write(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
