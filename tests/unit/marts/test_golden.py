"""Golden pairs: a few sessions in, the rows that a mart must give out. Edge cases are file names."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from support import cases

from assets.contracts import TABLES
from assets.marts.tables import LMS_ACTIVITIES, load_frames
from assets.marts.whole import build_all
from governance.project import Analysis

FOLDER = Path(__file__).parents[2] / "golden" / "marts"
CASES = sorted(FOLDER.glob("*.json"))
WATCH = ["scenario_id", "scenario_version", "kind", "name", "position", "severity", "regulation"]


def second_scores(case: dict[str, Any], frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """A later revision of every score, or a person's score beside it."""
    for name in ("criterion_scores", "session_scores"):
        old, value = frames[name], "scaled" if name == "criterion_scores" else "overall"
        if "revise" in case:
            new = old.with_columns(pl.lit(2).alias("revision"), pl.lit(case["revise"]["to"]).alias(value))
            if name == "session_scores":
                new = new.with_columns(passed=pl.lit(case["revise"]["passed"]))
            old = old.with_columns(is_latest=pl.lit(False))
        else:
            new = old.with_columns(
                pl.lit("human").alias("scorer_kind"),
                pl.lit("l_7").alias("scorer_id"),
                pl.lit(case["person"]).alias(value),
            )
        frames[name] = pl.concat([old, new], how="vertical_relaxed")
    return frames


def marts_of(case: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    frames = cases.frames(case)
    if "revise" in case or "person" in case:
        frames = second_scores(case, frames)
    watch = pl.DataFrame(
        case.get("watchpoints", []), schema=dict.fromkeys(WATCH, pl.String) | {"position": pl.Int32}, orient="row"
    )
    mastery = pl.DataFrame({"competency": ["empathy"], "mastery_level": [0.7]})
    activities = pl.DataFrame(case.get("lms_activities", []), schema=LMS_ACTIVITIES, orient="row")
    reference = {"watchpoints": watch, "mastery": mastery, "lms_activities": activities}
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    load_frames(con, frames)
    build_all(con, reference, 10, Analysis(**case.get("analysis", {})))
    return con


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_golden(path: Path) -> None:
    case = cases.read(path)
    con = marts_of(case)
    for mart, expected in case["expect"].items():
        rows = con.sql(f'select * from "{mart}"').pl().rows(named=True)
        if not expected:
            assert rows == []
        for each in expected:
            found = [row for row in rows if all(_plain(row[k]) == v for k, v in each["where"].items())]
            assert len(found) == 1, (mart, each["where"], len(found))
            seen = {name: _plain(found[0][name]) for name in each["row"]}
            assert seen == {k: _near(v) for k, v in each["row"].items()}, (mart, each["where"])


def test_full_scores_are_a_level_of_1_and_not_of_a_little_more() -> None:
    first = date(2026, 8, 3)
    sessions = [
        {"day": str(first + timedelta(days=attempt)), "learner": f"l{attempts}", "scores": {"empathy": 1.0}}
        for attempts in range(1, 31)
        for attempt in range(attempts)
    ]
    levels = marts_of({"sessions": sessions}).sql("select level from learner_progress").pl()["level"]
    assert levels.to_list() == [1.0] * 30


def test_every_mart_has_a_golden_case() -> None:
    named = {mart for path in CASES for mart in cases.read(path)["expect"]}
    assert named == {table.name for table in TABLES.values() if table.layer == "marts"} - {
        "quarantine",
        "ingest_batches",
        "sync_health",
        "sync_rejects",
        "lms_unmatched",
        "lms_issued",
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def _near(value: Any) -> Any:
    return pytest.approx(value, abs=1e-5) if isinstance(value, float) else value
