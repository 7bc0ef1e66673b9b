"""A learner's results in a scenario, read from the published marts: what core decided, never computed anew.

Readers open the file behind ``current`` and never wait for the pipeline, nor it for them.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import duckdb

SQL = Path(__file__).parent / "sql"
CURRENT = "current"
SCORE_KEY = ("rubric_id", "rubric_version", "scorer_kind", "scorer_id", "scorer_version", "revision")
LOST = ("no_show", "technical_failure")  # ends that leave nothing to score

State = Literal["result", "none", "pending", "unscored", "waiting"]
Counts = Literal["latest", "best"]
Status = Literal["passed", "failed", "completed"]


@dataclass(frozen=True)
class Criterion:
    """One criterion of a result; ``scaled`` on 0 to 1, ``met`` its own minimum."""

    id: str
    score: float
    low: float
    high: float
    scaled: float
    met: bool
    comment: str | None


@dataclass(frozen=True)
class Result:
    """One scored session as it is told to an LMS."""

    session_id: str
    scenario_version: str | None
    score_key: tuple[Any, ...]
    overall: float
    passed: bool | None
    scored_at: datetime
    duration_s: float | None
    criteria: tuple[Criterion, ...]

    @property
    def rubric(self) -> tuple[str, str]:
        """Rubric id and version."""
        return self.score_key[0], self.score_key[1]

    @property
    def status(self) -> Status:
        """``completed`` where the rubric has no pass rule, or criteria are missing for it."""
        return "completed" if self.passed is None else "passed" if self.passed else "failed"


@dataclass(frozen=True)
class Found:
    """What there is: a result, or the state that stands in its place."""

    state: State
    result: Result | None = None


class Results:
    """Reads the published marts of every tenant; safe to call from several threads."""

    def __init__(self, marts: Path) -> None:
        self.marts = marts
        self._lock = threading.Lock()
        self._open: dict[str, tuple[Path, duckdb.DuckDBPyConnection]] = {}

    def find(
        self, tenant: str, learner_key: str, scenario_id: str, rubrics: Sequence[str], counts: Counts,
        session_id: str | None = None,
    ) -> Found:  # fmt: skip
        """The learner's result in a scenario.

        With ``session_id`` the answer waits until that session has been scored; which session is told is decided by
        ``counts`` all the same.
        """
        cursor = self._cursor(tenant)
        if cursor is None:
            return Found("none" if session_id is None else "waiting")
        rows = _sessions(cursor, tenant, learner_key, scenario_id, rubrics)
        state, row = choose(rows, counts, session_id)
        if row is None:
            return Found(state)
        key = {name: row[name] for name in SCORE_KEY}
        criteria = _rows(cursor, "criteria", {"tenant": tenant, "session_id": row["session_id"], **key})
        return Found("result", _result(row, criteria))

    def sessions(self, tenant: str, learner_key: str, scenario_id: str) -> int:
        """How many sessions of the scenario the learner has held."""
        cursor = self._cursor(tenant)
        return 0 if cursor is None else len(_sessions(cursor, tenant, learner_key, scenario_id, ()))

    def close(self) -> None:
        """Give back every file."""
        with self._lock:
            for _, connection in self._open.values():
                connection.close()
            self._open.clear()

    def _cursor(self, tenant: str) -> duckdb.DuckDBPyConnection | None:
        """A cursor on the tenant's newest version; None where nothing is published."""
        link = self.marts / tenant / CURRENT
        if not link.exists():
            return None
        path = link.resolve()
        with self._lock:
            known = self._open.get(tenant)
            if known is None or known[0] != path:
                connection = duckdb.connect(str(path), read_only=True)
                connection.execute("set timezone = 'UTC'")
                self._open[tenant] = known = (path, connection)  # cursors on the former file keep it open
            return known[1].cursor()


def choose(
    rows: Sequence[Mapping[str, Any]], counts: Counts, session_id: str | None = None
) -> tuple[State, Mapping[str, Any] | None]:
    """The row that is told, rows being newest first, or the state that stands in its place."""
    awaited = next((row for row in rows if row["session_id"] == session_id), None)
    if session_id is not None:
        if awaited is None:
            return "waiting", None
        if awaited["overall"] is None:
            return _unscored(awaited, "waiting"), None
    told = [row for row in rows if row["overall"] is not None]
    if told and counts == "best":
        return "result", max(told, key=lambda row: (row["passed"] is True, row["overall"], row["started_at"]))
    if told:
        return "result", told[0]
    return (_unscored(rows[0], "none"), None) if rows else ("none", None)


def _unscored(row: Mapping[str, Any], otherwise: State) -> State:
    if row["pending"]:
        return "pending"
    return "unscored" if row["end_reason"] in LOST else otherwise


def _result(row: Mapping[str, Any], criteria: Sequence[Mapping[str, Any]]) -> Result:
    return Result(
        session_id=row["session_id"],
        scenario_version=row["scenario_version"],
        score_key=tuple(row[name] for name in SCORE_KEY),
        overall=row["overall"],
        passed=row["passed"],
        scored_at=row["scored_at"],
        duration_s=row["duration_s"],
        criteria=tuple(
            Criterion(
                each["criterion_id"], each["score"], each["score_min"], each["score_max"], each["scaled"], each["met"],
                each["comment"],
            )
            for each in criteria
        ),
    )  # fmt: skip


def _sessions(
    cursor: duckdb.DuckDBPyConnection, tenant: str, learner_key: str, scenario_id: str, rubrics: Sequence[str]
) -> list[dict[str, Any]]:
    named = {"tenant": tenant, "learner": learner_key, "scenario": scenario_id, "rubrics": list(rubrics)}
    return _rows(cursor, "results", named)


def _rows(cursor: duckdb.DuckDBPyConnection, name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = cursor.execute((SQL / f"{name}.sql").read_text("utf-8"), dict(values))
    columns = [column[0] for column in found.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
