"""Fields of a bundle that the format does not know: counted by name, so that a misspelt one is noticed, never kept."""

from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import orjson

from assets.duck import literal
from assets.raw.lines import numbered, open_lines

SAMPLE_LINES = 1_000  # a misspelt or additional field stands in nearly every line, or does not matter
KNOWN: dict[str, set[str]] = {
    "": {"format", "engine", "engine_session_id", "launch", "started_at", "ended_at", "end_reason", "is_test",
         "config_hash", "turns", "signals", "assessments", "media"},
    "launch": {"tenant", "learner_id", "scenario_id", "scenario_version", "attempt", "assigned", "region",
               "jurisdiction", "language", "notice_ref"},
    "turns": {"speaker", "text", "start_s", "duration_s", "interrupted", "language", "input_mode"},
    "signals": {"kind", "name", "state", "at_s", "reason", "payload", "alignment"},
    "assessments": {"rubric_id", "rubric_version", "scorer", "scored_at", "criteria"},
    "media": {"uri", "kind", "started_at", "duration_s", "sha256", "status"},
}  # fmt: skip
LISTS = ("turns", "signals", "assessments", "media")


def unknown_fields(con: duckdb.DuckDBPyConnection, path: Path) -> dict[str, int]:
    """How often each field outside the format occurs: names from the first lines, counts over the whole file."""
    names = _names(path)
    if not names:
        return {}
    columns = {part: _type(part, names) for part in KNOWN if part and names.get(part)}
    columns |= dict.fromkeys(names.get("", ()), "json")
    counts = {
        f"{part}.{name}" if part else name: _count(part, name)
        for part, found in names.items()
        for name in sorted(found)
    }
    listed = ", ".join(f"{_quoted(name)}: {literal(type_)}" for name, type_ in columns.items())
    source = (
        f"read_json({literal(str(path))}, format = 'newline_delimited', columns = {{{listed}}}, ignore_errors = true)"
    )
    row = con.sql(f"select {', '.join(counts.values())} from {source}").fetchall()[0]
    return {name: int(count or 0) for name, count in zip(counts, row, strict=True)}


def _names(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}

    def look(part: str, value: Any) -> None:
        if isinstance(value, dict) and (new := value.keys() - KNOWN[part]):
            found.setdefault(part, set()).update(new)

    with open_lines(path) as file:
        for _, line in islice(numbered(file), SAMPLE_LINES):
            try:
                bundle = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(bundle, dict):
                look("", bundle)
                look("launch", bundle.get("launch"))
                for part in LISTS:
                    items = bundle.get(part)
                    for item in items if isinstance(items, list) else ():
                        look(part, item)
    return found


def _type(part: str, names: dict[str, set[str]]) -> str:
    inner = "struct(" + ", ".join(f"{_quoted(name)} json" for name in sorted(names[part])) + ")"
    return f"{inner}[]" if part in LISTS else inner


def _count(part: str, name: str) -> str:
    if not part:
        return f"count({_quoted(name)})"
    if part in LISTS:
        return f"sum(len(list_filter({part}, lambda item: item.{_quoted(name)} is not null)))"
    return f"count({part}.{_quoted(name)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
