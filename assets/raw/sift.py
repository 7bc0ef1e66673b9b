"""The careful way of reading bundle lines: sets broken lines aside, each with its reason, and keeps the rest.

What decides whether a line is broken is the same typed reader as on the fast way; the walk over a suspected
line only finds the words for it. So both ways take and refuse the same lines.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import orjson

from assets.raw.bundle_sql import TYPES, reader
from assets.raw.lines import LARGEST_LINE, numbered, open_lines
from governance.batches import Reject

CHUNK = 4_000  # lines tried at once
Shape = str | dict[str, "Shape"] | list["Shape"]

CRITERION = {"criterion_id": "text", "score": "number", "min": "number", "max": "number", "evidence_turns": ["number"],
             "comment": "text"}  # fmt: skip
SHAPE: dict[str, Shape] = {
    "launch": {"attempt": "number", "assigned": "truth"},
    "is_test": "truth",
    "turns": [{"start_s": "number", "duration_s": "number", "interrupted": "truth"}],
    "signals": [{"at_s": "number"}],
    "assessments": [{"scorer": {}, "criteria": [CRITERION]}],
    "media": [{"duration_s": "number"}],
}
Line = tuple[int, bytes]


def sift(con: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> tuple[Path, list[int], list[Reject]]:
    """Copy the sound lines of ``path`` to a file below ``folder``; line numbers of those, and the refused ones.

    Memory does not grow with the file: it is read a chunk of lines at a time.
    """
    sound_path = folder / "sound.jsonl"
    trial = folder / "trial.jsonl"
    numbers: list[int] = []
    refused: list[Reject] = []
    with sound_path.open("wb") as sound:
        for chunk in _chunks(path):
            whole, broken = _well_formed(chunk)
            refused += broken
            taken, mistyped = _typed(con, whole, trial)
            refused += mistyped
            sound.writelines(line + b"\n" for _, line in taken)
            numbers += [number for number, _ in taken]
    trial.unlink(missing_ok=True)
    return sound_path, numbers, sorted(refused, key=lambda refusal: refusal.line or 0)


def mistake(value: Any, shape: Shape, where: str = "") -> str | None:
    """What is wrong with a parsed bundle, in words; None where the walk finds nothing."""
    if value is None:
        return None
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"{where or 'the line'} is {_kind(value)}, expected an object"
        inner = ((value.get(name), part, f"{where}.{name}" if where else name) for name, part in shape.items())
    elif isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where} is {_kind(value)}, expected a list"
        inner = ((item, shape[0], f"{where}[{index}]") for index, item in enumerate(value))
    else:
        return _scalar_mistake(value, shape, where)
    return next((found for item, part, name in inner if (found := mistake(item, part, name))), None)


def _scalar_mistake(value: Any, shape: str, where: str) -> str | None:
    if shape == "number":
        good = isinstance(value, int | float) or (isinstance(value, str) and _is_number(value))
    elif shape == "truth":
        good = isinstance(value, bool)
    else:
        good = not isinstance(value, dict | list)
    words = {"number": "a number", "truth": "true or false", "text": "a text"}
    return None if good else f"{where} is {_kind(value)}, expected {words[shape]}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _kind(value: Any) -> str:
    names = {
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")


def _chunks(path: Path) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    size = 0
    with open_lines(path) as file:
        for number, line in numbered(file):
            text = line.strip().removeprefix(b"\xef\xbb\xbf")
            if not text:
                continue
            chunk.append((number, text))
            size += len(text)
            if len(chunk) >= CHUNK or size > 4 * LARGEST_LINE:
                yield chunk
                chunk, size = [], 0
    if chunk:
        yield chunk


def _well_formed(lines: Sequence[Line]) -> tuple[list[Line], list[Reject]]:
    whole: list[Line] = []
    refused: list[Reject] = []
    for number, text in lines:
        if len(text) > LARGEST_LINE:
            refused.append(Reject(number, "too_large", f"the line has more than {LARGEST_LINE:,} bytes"))
        elif not text.startswith(b"{"):
            refused.append(Reject(number, "malformed_json", "the line is not a JSON object; write one session a line"))
        elif not _is_text(text):
            refused.append(Reject(number, "not_utf8", "the line is not UTF-8; save the file in UTF-8"))
        else:
            whole.append((number, text))
    return whole, refused


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _typed(con: duckdb.DuckDBPyConnection, lines: list[Line], trial: Path) -> tuple[list[Line], list[Reject]]:
    """Halve what the typed reader refuses until the single lines that it refuses stand alone."""
    if not lines:
        return [], []
    trial.write_bytes(b"\n".join(line for _, line in lines) + b"\n")
    complaint = _complaint(con, trial, len(lines))
    if complaint is None:
        return lines, []
    if len(lines) == 1:
        return [], [_explain(lines[0], complaint)]
    middle = len(lines) // 2
    first, first_refused = _typed(con, lines[:middle], trial)
    second, second_refused = _typed(con, lines[middle:], trial)
    return first + second, first_refused + second_refused


def _complaint(con: duckdb.DuckDBPyConnection, trial: Path, expected: int) -> str | None:
    """What the typed reader says against a file, None where it reads all of it."""
    try:
        con.execute(f"create or replace temp table trial as from {reader(str(trial), TYPES)}")
    except duckdb.Error as error:
        return str(error)
    counted = con.sql("select count(*) from trial").fetchall()[0][0]
    con.execute("drop table trial")
    return None if counted == expected else f"{expected} lines gave {counted} objects"


def _explain(line: Line, complaint: str) -> Reject:
    number, text = line
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Reject(number, "malformed_json", f"not JSON at character {error.colno}: {error.msg}; mend or leave out")
    found = mistake(value, SHAPE)
    if found is None:
        found = "a value has the wrong type (" + ("turns, signals, assessments or media" if complaint else "") + ")"
    return Reject(number, "wrong_type", f"{found}; mend the value, or leave it out where it is unknown")
