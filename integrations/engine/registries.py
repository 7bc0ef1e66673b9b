"""Launch registry and learner directory files: CSV, JSON lines or Parquet → records and rejects."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that cannot be taken, and how to mend it; never its content."""

    line: int
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file gave: good records as plain dicts, bad lines as rejects."""

    records: list[dict[str, Any]]
    rejects: list[Reject]

    @property
    def read(self) -> int:
        """Lines read; every one is a record or a reject."""
        return len(self.records) + len(self.rejects)


def read_launches(path: Path, tenant: str | None = None) -> Reading:
    """Launch records (session_id, tenant, learner_id, scenario_id, …); ``tenant`` fills where a line names none."""
    raise NotImplementedError


def read_learners(path: Path, tenant: str | None = None) -> Reading:
    """Learner directory entries; ``tenant`` fills where a line names none."""
    raise NotImplementedError
