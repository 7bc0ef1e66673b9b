"""What each day of core was built from: written after the day's tables, so that a crash in between shows as stale."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path

from assets.lake import Lake

FOLDER = "core/.built"
OUTCOMES = "core/.built-outcomes.json"


@dataclass(frozen=True)
class Built:
    """Inputs of one day's core tables.

    ``inputs`` names raw files, catalog and code; ``change`` is the launch registry's change number; ``due`` is when the
    first open session runs out of time; ``scales`` are the largest scores that uncatalogued criteria were scaled by.
    """

    inputs: str
    change: int
    due: str | None = None
    scales: Mapping[str, float] = field(default_factory=dict)

    def overdue(self, now: datetime) -> bool:
        """Whether an open session has waited long enough."""
        return self.due is not None and datetime.fromisoformat(self.due) <= now


def _path(lake: Lake, day: date) -> Path:
    return lake.folder(FOLDER) / f"{day.isoformat()}.json"


def read(lake: Lake) -> dict[date, Built]:
    """The record of every day that was built."""
    folder = lake.folder(FOLDER)
    if not folder.is_dir():
        return {}
    return {
        date.fromisoformat(path.stem): Built(**json.loads(path.read_text("utf-8"))) for path in folder.glob("*.json")
    }


def forget(lake: Lake, days: Iterable[date]) -> None:
    """Before the tables of these days are touched: until they are finished, they are stale."""
    for day in days:
        _path(lake, day).unlink(missing_ok=True)


def remember(lake: Lake, records: Mapping[date, Built]) -> None:
    """After the tables of these days are in place."""
    for day, record in records.items():
        path = _path(lake, day)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(record), sort_keys=True), "utf-8")
        draft.replace(path)


def read_outcomes(lake: Lake) -> dict[date, str]:
    """Fingerprint of what each day's outcomes were built from."""
    try:
        found = json.loads((lake.root / OUTCOMES).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}  # then every day of outcomes is built again
    return {date.fromisoformat(day): inputs for day, inputs in found.items()}


def write_outcomes(lake: Lake, records: Mapping[date, str]) -> None:
    """Replace the records of outcomes; they are small, so that one file holds all days."""
    path = lake.root / OUTCOMES
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({str(day): inputs for day, inputs in sorted(records.items())}), "utf-8")
    draft.replace(path)
