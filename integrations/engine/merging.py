"""Several accounts of one session → one, whatever order they came in.

Where two accounts contradict each other, the fuller one is believed: content decides, never arrival, so
that a re-run over the same files gives the same session.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

LISTS = ("turns", "signals", "assessments", "media")
SCALARS = (
    "engine", "engine_session_id", "learner_key", "scenario_id", "scenario_version", "attempt", "assigned", "region",
    "jurisdiction", "language", "notice_ref", "started_at", "ended_at", "end_reason", "is_test", "config_hash",
)  # fmt: skip
PARTS = (*SCALARS, *LISTS)
Row = Mapping[str, Any]
Item = dict[str, Any]


def merge(rows: Sequence[Row]) -> dict[str, Any]:
    """Several rows with BUNDLE_PARTS of ONE session → one such row.

    Scalars come from the fullest row that has them, turns from the fullest row whole. Signals, assessments and
    recordings of all rows are united: what two rows tell alike is one, what one row tells twice stays two.
    Evidence ordinals follow their turns; those whose turn is not in the chosen transcript are dropped.

    Raises:
        ValueError: no rows, or rows of several sessions.
    """
    sessions = {(row["engine"], row["engine_session_id"]) for row in rows}
    if len(sessions) != 1:
        raise ValueError(f"rows of exactly one session are wanted, these are of {len(sessions)}")
    ranked = _distinct(rows)
    if len(ranked) == 1:
        return {name: ranked[0].get(name) for name in PARTS}
    out: dict[str, Any] = {name: _first(ranked, name) for name in SCALARS}
    turns = _turns(ranked)
    out["turns"] = turns
    out["signals"] = _united([row.get("signals") for row in ranked])
    out["assessments"] = _united([_aligned(row, turns or []) for row in ranked])
    out["media"] = _media([row.get("media") for row in ranked])
    return out


def _distinct(rows: Sequence[Row]) -> list[Row]:
    """Distinct rows, the fullest first; equal fullness is settled by content."""
    by_content = {_text({name: row.get(name) for name in PARTS}): row for row in rows}
    return [row for text, row in sorted(by_content.items(), key=lambda item: (*_emptiness(item[1]), item[0]))]


def _emptiness(row: Row) -> tuple[bool, int, int, int, int]:
    turns = row.get("turns") or []
    timed = sum(turn.get("start_s") is not None for turn in turns)
    assessed, signalled = len(row.get("assessments") or []), len(row.get("signals") or [])
    return row.get("ended_at") is None, -len(turns), -timed, -assessed, -signalled


def _first(ranked: Sequence[Row], name: str) -> Any:
    if name == "is_test":  # one account that says "test" is enough
        said = [row.get(name) for row in ranked if row.get(name) is not None]
        return any(said) if said else None
    return next((row.get(name) for row in ranked if row.get(name) is not None), None)


def _turns(ranked: Sequence[Row]) -> list[Item] | None:
    """The transcript with most turns, then most timing; ``ranked`` settles the rest."""
    written = [row["turns"] for row in ranked if row.get("turns") is not None]
    return max(written, key=lambda turns: (len(turns), sum(t.get("start_s") is not None for t in turns)), default=None)


def _united(lists: Sequence[Sequence[Item] | None], text: Callable[[Item], str] | None = None) -> list[Item] | None:
    """All items: each as often as the list that has it most often."""
    if all(items is None for items in lists):
        return None
    name = text or _text
    united: list[Item] = []
    have: Counter[str] = Counter()
    for items in lists:
        offered: Counter[str] = Counter()
        for item in items or ():
            label = name(item)
            offered[label] += 1
            if offered[label] > have[label]:
                have[label] += 1
                united.append(item)
    return united


def _aligned(row: Row, turns: Sequence[Item]) -> list[Item] | None:
    """Assessments of a row with their evidence pointing into the chosen transcript."""
    own, assessments = row.get("turns") or [], row.get("assessments")
    if assessments is None or not own or _words(own) == _words(turns):
        return assessments
    places = _places(own, turns)
    return [
        assessment | {"criteria": [_moved(criterion, places) for criterion in assessment.get("criteria") or ()]}
        for assessment in assessments
    ]


def _moved(criterion: Item, places: Mapping[int, int]) -> Item:
    cited = criterion.get("evidence_turns")
    if cited is None:
        return criterion
    return criterion | {"evidence_turns": sorted({places[turn] for turn in cited if turn in places}) or None}


def _places(own: Sequence[Item], turns: Sequence[Item]) -> dict[int, int]:
    """Ordinal in ``own`` → ordinal of the same words in ``turns``, matched in order."""
    places: dict[int, int] = {}
    words, position = _words(turns), 0
    for ordinal, said in enumerate(_words(own)):
        found = next((place for place in range(position, len(words)) if words[place] == said), None)
        if found is not None:
            places[ordinal] = found
            position = found + 1
    return places


def _words(turns: Sequence[Item]) -> list[tuple[Any, Any]]:
    return [(turn.get("speaker"), turn.get("text")) for turn in turns]


def _media(lists: Sequence[Sequence[Item] | None]) -> list[Item] | None:
    """One entry per address; what one account leaves out another fills in."""
    if all(items is None for items in lists):
        return None
    by_uri: dict[str, Item] = {}
    for items in lists:
        for item in items or ():
            known = by_uri.setdefault(item.get("uri") or "", {})
            for name, value in item.items():
                if known.get(name) is None:
                    known[name] = value
    return list(by_uri.values())


def _text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str).decode()
