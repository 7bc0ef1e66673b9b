"""Launch registry and learner directory files: CSV, JSON lines or Parquet → records and rejects.

Columns that the contract does not name are left out: a directory export may hold anything about a person.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from governance.identities import DirectoryEntry
from governance.launches import Launch

Record = TypeVar("Record", bound=BaseModel)
Line = tuple[int, Any]

SUFFIXES = ".csv, .jsonl, .ndjson or .parquet"
LONGEST_CELL = 1_000_000
ALIASES = {"engine_session_id": "conversation_id"}
_ACCOUNT = "accounts."
_RULES = {
    "missing": ("missing_field", "is missing; write it"),
    "timezone_aware": ("naive_time", "has no UTC offset; write it as 2026-11-02T09:00:04Z"),
    "datetime_parsing": ("not_a_time", "is not a time; write it as 2026-11-02T09:00:04Z"),
    "datetime_from_date_parsing": ("not_a_time", "is not a time; write it as 2026-11-02T09:00:04Z"),
    "date_from_datetime_parsing": ("not_a_date", "is not a date; write it as 2026-11-02"),
    "date_parsing": ("not_a_date", "is not a date; write it as 2026-11-02"),
    "bool_parsing": ("not_true_or_false", "is neither true nor false"),
    "int_parsing": ("not_a_number", "is not a whole number"),
    "greater_than_equal": ("out_of_range", "is too small; attempts count from 1"),
}


class RegistryError(ValueError):
    """The whole file cannot be read; the text says why and how to mend it."""


class _BadLineError(ValueError):
    """One line cannot be read; the others can."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that cannot be taken, and how to mend it; never its content."""

    line: int
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading(Generic[Record]):
    """What a file gave: good records, bad lines, and the names of columns that nobody asked for."""

    records: list[Record]
    rejects: list[Reject]
    ignored: list[str] = field(default_factory=list)

    @property
    def read(self) -> int:
        """Lines read; every one is a record or a reject."""
        return len(self.records) + len(self.rejects)


def read_launches(path: Path, tenant: str | None = None) -> Reading[Launch]:
    """Launch records; ``tenant`` fills where a line names none, and a line of another tenant is refused.

    Raises:
        RegistryError: no such file, not readable, or not one of the three formats.
    """
    return _read(path, tenant, Launch)


def read_learners(path: Path, tenant: str | None = None) -> Reading[DirectoryEntry]:
    """Learner directory entries; ``tenant`` as in ``read_launches``.

    ``accounts`` may be a JSON object, or columns ``accounts.moodle``, ``accounts.salesforce`` and so on.

    Raises:
        RegistryError: as ``read_launches``.
    """
    return _read(path, tenant, DirectoryEntry)


def _read(path: Path, tenant: str | None, model: type[Record]) -> Reading[Record]:
    records: list[Record] = []
    rejects: list[Reject] = []
    ignored: set[str] = set()
    for line, value in _lines(path):
        try:
            fields, strangers = _fields(value, model, tenant)
            ignored |= strangers
            records.append(model.model_validate(fields))
        except ValidationError as error:
            rejects.append(Reject(line, *_explain(error)))
        except _BadLineError as error:
            rule, _, reason = str(error).partition(": ")
            rejects.append(Reject(line, rule, reason))
    return Reading(records, rejects, sorted(ignored))


def _lines(path: Path) -> Iterator[Line]:
    readers: dict[str, Callable[[Path], Iterator[Line]]] = {
        ".csv": _csv,
        ".jsonl": _jsonl,
        ".ndjson": _jsonl,
        ".parquet": _parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise RegistryError(f"{path}: the name must end in {SUFFIXES}")
    try:
        yield from reader(path)
    except FileNotFoundError:
        raise RegistryError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise RegistryError(f"{path}: not UTF-8; save it as UTF-8 and try again") from None
    except csv.Error as error:
        raise RegistryError(f"{path}: not CSV ({error}); save it as comma-separated UTF-8") from None
    except OSError as error:
        raise RegistryError(f"{path}: {error.strerror or error}") from None


def _csv(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        file.seek(0)
        delimiter = max(",;\t", key=header.count)  # spreadsheets of some countries write semicolons
        reader = csv.reader(file, delimiter=delimiter)
        names = [name.strip() for name in next(reader, [])]
        if not any(names):
            raise RegistryError(f"{path}: empty; the first line must name the columns")
        last = 1
        for cells in reader:
            first, last = last + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(names):
                yield first, _BadLineError("too_many_cells: has more cells than the header; quote cells with commas")
            else:
                yield first, dict(zip(names, cells, strict=False))


def _jsonl(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                yield line, orjson.loads(text)
            except orjson.JSONDecodeError:
                yield line, _BadLineError("malformed_json: is not JSON; write one object on each line, in UTF-8")


def _parquet(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        try:
            table = pq.ParquetFile(file)
        except Exception as error:  # pyarrow has no one error for a broken file
            raise RegistryError(f"{path}: not Parquet ({type(error).__name__})") from None
        line = 0
        for batch in table.iter_batches(10_000):
            for row in batch.to_pylist():
                line += 1
                yield line, row


def _fields(value: Any, model: type[BaseModel], tenant: str | None) -> tuple[dict[str, Any], set[str]]:
    if isinstance(value, _BadLineError):
        raise value
    if not isinstance(value, Mapping):
        raise _BadLineError("not_an_object: is not an object; write one JSON object on each line")
    found: dict[str, Any] = {}
    strangers: set[str] = set()
    accounts: dict[str, str] = {}
    for written, item in value.items():
        name = ALIASES.get(str(written), str(written))
        if name.startswith(_ACCOUNT) and "accounts" in model.model_fields:
            if item not in (None, ""):
                accounts[name.removeprefix(_ACCOUNT)] = str(item)
        elif name in model.model_fields:
            found[name] = (
                str(item) if isinstance(item, int) and not isinstance(item, bool) and _text(model, name) else item
            )
        else:
            strangers.add(name)
    if "accounts" in model.model_fields:
        found["accounts"] = _accounts(found.get("accounts"), accounts)
    _fill_tenant(found, tenant)
    return found, strangers


def _text(model: type[BaseModel], name: str) -> bool:
    """Whether a field is text: ids and versions are often written as numbers."""
    return name not in ("attempt", "assigned") and name in model.model_fields


def _accounts(written: Any, columns: dict[str, str]) -> Any:
    if isinstance(written, str):
        if not written.strip():
            written = None
        else:
            try:
                written = orjson.loads(written)
            except orjson.JSONDecodeError:
                raise _BadLineError('bad_accounts: accounts is not JSON; write {"moodle": "17"}') from None
    if not columns:
        return written
    return (written if isinstance(written, dict) else {}) | columns


def _fill_tenant(found: dict[str, Any], tenant: str | None) -> None:
    if tenant is None:
        return
    if found.get("tenant") in (None, ""):
        found["tenant"] = tenant
    elif found["tenant"] != tenant:
        raise _BadLineError("other_tenant: names another tenant than --tenant; leave out --tenant, or mend the line")


def _explain(error: ValidationError) -> tuple[str, str]:
    """Rule and reason of the first fault; never the value, which may be personal."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("constrained", "function")))
    rule, remedy = _RULES.get(first["type"], (f"bad_{first['loc'][0]}" if first["loc"] else "bad_line", ""))
    return rule, f"{place} {remedy}" if remedy else f"{place}: {first['msg']}"
