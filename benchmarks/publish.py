"""Marts and publishing against DuckDB's bare ``read_json`` over as many bytes as the sessions were delivered in.

    python -m benchmarks.publish [--sessions 100000] [--history 1000000]

Two figures: session-grain tables of 90 days from the lake to a published file, as a ratio; and the extra seconds of
one more day on a long history, of which the working file's incremental refresh is the point.
"""

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.lake import touch_day, write_lake
from support.synthetic import Draw, catalog_frames, core_frames

from assets.lake import Lake
from assets.marts.publish import publish
from assets.marts.warehouse import Reference, Warehouse
from benchmarks.results import record

BYTES_A_SESSION = 5_600  # of JSON, as measured on the simulator's deliveries
RULES = Reference(catalog_frames(), 10)


def read_json_seconds(folder: Path, size: int) -> float:
    """Seconds of ``select count(*)`` over turns in JSON lines of the given size in all."""
    turns = [
        {"speaker": "learner", "text": "Could you tell me more about how you handle that today?", "start_s": n * 9.5,
         "duration_s": 6.25, "interrupted": False}
        for n in range(38)
    ]  # fmt: skip
    line = json.dumps({"format": "rolecall.session/1", "engine_session_id": "s-0000001", "turns": turns}) + "\n"
    file = folder / "sessions.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for _ in range(0, size, len(line) * 1000):
            out.write(line * 1000)
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        begun = time.perf_counter()
        con.sql(f"select count(*), sum(len(turns)) from read_json('{file}', format = 'newline_delimited')").fetchall()
        spent = time.perf_counter() - begun
    file.unlink()
    return spent


def publish_seconds(root: Path, lake: Lake, now: datetime) -> tuple[float, float]:
    """Seconds of refreshing and of publishing."""
    warehouse = Warehouse(root / "marts" / "acme", "acme")
    begun = time.perf_counter()
    done = warehouse.refresh(lake, RULES)
    between = time.perf_counter()
    publish(warehouse.working, warehouse.folder, done.digests, now=now, keep=2, facts={"minimum_cell": 10})
    return between - begun, time.perf_counter() - between


def from_scratch(root: Path, sessions: int) -> dict[str, float]:
    """90 days that nobody has published yet."""
    lake = Lake(root / "lake")
    write_lake(lake, core_frames(Draw(sessions=sessions, learners=max(sessions // 25, 50), days=90)))
    bare = read_json_seconds(root, sessions * BYTES_A_SESSION)
    refresh, published = publish_seconds(root, lake, datetime.now(UTC))
    return {
        "sessions": sessions,
        "read_json_s": round(bare, 3),
        "refresh_s": round(refresh, 3),
        "publish_s": round(published, 3),
        "ratio": round((refresh + published) / bare, 2),
    }


def one_more_day(root: Path, sessions: int) -> dict[str, float]:
    """A changed day on a history of 1,000 days: what it costs beyond the same day on an empty history."""
    lake = Lake(root / "history")
    write_lake(lake, core_frames(Draw(sessions=sessions, learners=max(sessions // 60, 50), days=1000)))
    publish_seconds(root / "long", lake, datetime.now(UTC))
    day = lake.days("core/sessions")[-1]
    for table in ("sessions", "session_scores", "criterion_scores", "signals", "media"):
        touch_day(lake, f"core/{table}", day, "raw_ref = raw_ref || ' '")
    refresh, published = publish_seconds(root / "long", lake, datetime.now(UTC))
    alone = Lake(root / "alone")
    for table in ("sessions", "session_scores", "criterion_scores", "signals", "media"):
        target = alone.path(f"core/{table}", day)
        target.parent.mkdir(parents=True)
        target.write_bytes(lake.path(f"core/{table}", day).read_bytes())
    day_alone = sum(publish_seconds(root / "short", alone, datetime.now(UTC)))
    return {
        "history_sessions": sessions,
        "refresh_s": round(refresh, 3),
        "publish_s": round(published, 3),
        "day_alone_s": round(day_alone, 3),
        "extra_s": round(refresh + published - day_alone, 3),
    }


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--history", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        figures: dict[str, object] = {"from_scratch": from_scratch(root, options.sessions)}
        if options.history:
            figures["one_more_day"] = one_more_day(root, options.history)
    record("publish", figures)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
