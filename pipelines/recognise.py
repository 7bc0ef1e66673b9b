"""What kind of file is this? Told by its content, never by its name."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from glob import glob, has_magic
from itertools import islice
from pathlib import Path

from pipelines.problems import Problem

HEAD_BYTES = 1_000_000  # a verbose pull of a long session fits on its first line
SUFFIXES = {".jsonl", ".ndjson", ".json", ".csv", ".parquet"}


class Kind(StrEnum):
    """Kinds of input in the order that ``ingest`` takes them: who, bound to what, then what happened."""

    learners = "learners"
    launches = "launches"
    deliveries = "deliveries"
    bundles = "bundles"
    outcomes = "outcomes"


def kind_of(fields: Iterable[str]) -> Kind | None:
    """The kind that a record with these field names is; None where it is none of ours."""
    names = {name.strip().lower() for name in fields}
    if names >= {"channel", "body"}:
        return Kind.deliveries
    if "engine_session_id" in names and names & {"format", "turns", "launch", "started_at"}:
        return Kind.bundles
    if names & {"conversation_id", "session_id"} and "learner_id" in names:
        return Kind.launches
    if "conversation_id" in names:
        return Kind.deliveries
    if "learner_id" not in names:
        return None
    return Kind.outcomes if "kind" in names else Kind.learners


def recognise(path: Path) -> Kind | None:
    """The kind of a file, from its columns or its first readable line; None where it is none of ours."""
    if path.suffix == ".parquet":
        import polars as pl

        return kind_of(pl.read_parquet_schema(path))
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        head = file.read(HEAD_BYTES)
    if path.suffix == ".csv":
        return kind_of(next(csv.reader(head.splitlines()[:1]), []))
    return next((kind for kind in map(kind_of, _records(head)) if kind is not None), None)


def _records(head: str) -> Iterator[list[str]]:
    """Field names of the first objects: a few bad lines at the top do not hide what the file is."""
    for line in islice((line for line in head.splitlines() if line.strip()), 20):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield list(record)


def files(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Every file meant by paths, globs and folders, and whether it was named itself; a folder may hold other things."""
    for path in paths:
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix in SUFFIXES)
            yield from ((file, False) for file in found)
        elif path.exists():
            yield path, True
        elif has_magic(str(path)):
            matched = sorted(Path(name) for name in glob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns too
            if not matched:
                raise Problem(f"Nothing matches {path}", "Check the pattern")
            yield from ((file, True) for file in matched if file.is_file())
        else:
            raise Problem(f"There is no file or folder {path}", "Check the path")


def sort(paths: Iterable[Path]) -> tuple[list[tuple[Kind, Path]], list[Path]]:
    """Files by kind in the order of ``Kind``, each once, and those of a folder that are none of ours.

    Raises ``Problem`` for a file named itself that is of no known kind.
    """
    known: dict[Path, Kind] = {}
    foreign: list[Path] = []
    for path, named in files(paths):
        kind = recognise(path)
        if kind is not None:
            known.setdefault(path.resolve(), kind)
        elif named:
            raise Problem(
                f"{path} is none of: engine deliveries, session bundles, launches, learners, outcomes",
                "docs/schemas describes each; one JSON object a line, or CSV with a header, or Parquet",
            )
        else:
            foreign.append(path)
    return ordered(known), foreign


def ordered(kinds: Mapping[Path, Kind]) -> list[tuple[Kind, Path]]:
    """Files in the order of ``Kind``, then by path."""
    order = list(Kind)
    return sorted(((kind, path) for path, kind in kinds.items()), key=lambda pair: (order.index(pair[0]), pair[1]))
