"""Build a published file from drawn sessions: what the dashboards read, without running the pipeline."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
from support.synthetic import Draw, catalog_frames, core_frames

from assets.marts.digests import table_digest
from assets.marts.publish import publish
from assets.marts.tables import SOURCES, load_frames
from assets.marts.whole import build_all


def build_published(
    folder: Path,
    tenant: str = "acme",
    seed: int = 1,
    sessions: int = 1200,
    learners: int = 90,
    now: datetime = datetime(2026, 11, 3, 6, tzinfo=UTC),
) -> Path:
    """Write ``folder/<tenant>/marts-<id>.duckdb``, manifest and ``current``; returns the real file."""
    draw = Draw(sessions=sessions, learners=learners, tenant=tenant, seed=seed)
    return publish_frames(folder / tenant, {**core_frames(draw), **_overviews(tenant, draw)}, now=now)


def publish_frames(
    folder: Path, frames: Mapping[str, pl.DataFrame], now: datetime, minimum_cell: int = 10, keep: int = 5
) -> Path:
    """Publish given session-grain frames with marts made of them."""
    folder.mkdir(parents=True, exist_ok=True)
    working = folder / "working.duckdb"
    working.unlink(missing_ok=True)
    with duckdb.connect(str(working)) as con:
        con.execute("set timezone = 'UTC'")
        load_frames(con, frames)
        build_all(con, catalog_frames(), minimum_cell)
        digests = {name: table_digest(con, name) for name in SOURCES}
    return publish(working, folder, digests, now=now, keep=keep, facts={"minimum_cell": minimum_cell}).path


def _overviews(tenant: str, draw: Draw) -> dict[str, pl.DataFrame]:
    """A handful of quarantined rows and two batches, so that pages about bad input have something to show."""
    first = datetime(draw.start.year, draw.start.month, draw.start.day, 8, tzinfo=UTC)
    rows = [
        ("criterion_scores", "cvi:c000000007", "score_in_range", "the score lies outside the criterion's scale"),
        ("criterion_scores", "cvi:c000000031", "criterion_known", "the rubric version has no such criterion"),
        ("turns", "cvi:c000000052", "start_not_negative", "start_s is negative"),
        ("sessions", None, "started_at_is_utc_time", "started_at is missing or has no UTC offset"),
    ]  # fmt: skip
    quarantine = pl.DataFrame(
        {
            "tenant": [tenant] * len(rows),
            "table_name": [row[0] for row in rows],
            "session_id": [row[1] for row in rows],
            "day": [draw.start + timedelta(days=2 * n) for n in range(len(rows))],
            "row_number": [1] * len(rows),
            "broken_rules": [[row[2]] for row in rows],
            "reason": [row[3] for row in rows],
            "raw_ref": [f"raw/deliveries:bad-{n}" for n in range(len(rows))],
            "first_seen_at": [first + timedelta(days=2 * n) for n in range(len(rows))],
        }
    )
    batches = pl.DataFrame(
        {
            "tenant": [tenant] * 2,
            "batch_id": ["b-1", "b-2"],
            "kind": ["deliveries", "bundles"],
            "source": ["deliveries.jsonl", "history.jsonl"],
            "opened_at": [first, first + timedelta(days=30)],
            "rows_read": [9000, 300],
            "accepted": [8850, 296],
            "repeated": [120, 0],
            "refused": [30, 4],
            "withheld": [2200, 0],
        }
    )
    return {"quarantine": quarantine, "ingest_batches": batches}
