"""Marts and publishing against DuckDB's bare ``read_json`` over as many bytes as the sessions were delivered in.

    python -m benchmarks.publish [--sessions 100000] [--history 1000000]

Two figures: session-grain tables of 90 days from the lake to a published file, as a ratio; and the extra seconds of
one more day on a long history, of which the working file's incremental refresh is the point.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from support.lake import touch_day, write_lake
from support.synthetic import Draw, catalog_frames, core_frames

from assets.checks import suites
from assets.checks.verdicts import judge_suite, look, mart_source
from assets.contracts import MARTS, OVERVIEWS
from assets.duck import connect, literal
from assets.lake import Lake
from assets.marts.publish import publish
from assets.marts.warehouse import Reference, Warehouse
from benchmarks.results import record

BYTES_A_SESSION = 5_600  # of JSON, as measured on the simulator's deliveries
RULES = Reference(catalog_frames(), 10)


@dataclass
class Spent:
    """Seconds on the wall and of processor time, which says more on a machine that others use too."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    @classmethod
    @contextmanager
    def on(cls) -> Iterator["Spent"]:
        """Measure a block."""
        spent = cls()
        wall, cpu = time.perf_counter(), time.process_time()
        yield spent
        spent.wall_s, spent.cpu_s = round(time.perf_counter() - wall, 3), round(time.process_time() - cpu, 3)

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(round(self.wall_s + other.wall_s, 3), round(self.cpu_s + other.cpu_s, 3))


def read_json(folder: Path, size: int) -> Spent:
    """What ``select count(*)`` over turns in JSON lines of the given size in all takes."""
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
        query = f"select count(*), sum(len(turns)) from read_json('{file}', format = 'newline_delimited')"
        with Spent.on() as spent:
            con.sql(query).fetchall()
    file.unlink()
    return spent


def publish_seconds(root: Path, lake: Lake, now: datetime) -> dict[str, Spent]:
    """What refreshing, checking and publishing took; Great Expectations is imported already, as in a run."""
    warehouse = Warehouse(root / "marts" / "acme", "acme")
    with Spent.on() as refresh:
        done = warehouse.refresh(lake, RULES)
    with Spent.on() as checks, connect() as con:
        con.execute(f"attach {literal(str(warehouse.working))} as tenant_0 (read_only)")
        for table in (*MARTS, *OVERVIEWS):
            source = mart_source(table, ["tenant_0"])
            exact, frame = look(con, table, source, loose=False)
            verdicts = [exact, *judge_suite(table, frame).values()]
            if not all(verdict.passed for verdict in verdicts):
                raise SystemExit("; ".join(verdict.summary for verdict in verdicts if not verdict.passed))
    with Spent.on() as published:
        publish(warehouse.working, warehouse.folder, done.digests, now=now, keep=2, facts={"minimum_cell": 10})
    return {"refresh": refresh, "checks": checks, "publish": published, "together": refresh + checks + published}


def flat(spent: dict[str, Spent]) -> dict[str, float]:
    """Figures by name, for the results."""
    return {f"{name}_{unit}": value for name, each in spent.items() for unit, value in asdict(each).items()}


def from_scratch(root: Path, sessions: int) -> dict[str, float]:
    """90 days that nobody has published yet."""
    lake = Lake(root / "lake")
    write_lake(lake, core_frames(Draw(sessions=sessions, learners=max(sessions // 25, 50), days=90)))
    bare = read_json(root, sessions * BYTES_A_SESSION)
    spent = publish_seconds(root, lake, datetime.now(UTC))
    return {
        "sessions": sessions,
        **flat({"read_json": bare, **spent}),
        "ratio_wall": round(spent["together"].wall_s / bare.wall_s, 2),
        "ratio_cpu": round(spent["together"].cpu_s / bare.cpu_s, 2),
    }


def one_more_day(root: Path, sessions: int) -> dict[str, float]:
    """A changed day on a history of 1,000 days: what it costs beyond the same day on an empty history."""
    lake = Lake(root / "history")
    write_lake(lake, core_frames(Draw(sessions=sessions, learners=max(sessions // 60, 50), days=1000)))
    publish_seconds(root / "long", lake, datetime.now(UTC))
    day = lake.days("core/sessions")[-1]
    for table in ("sessions", "session_scores", "criterion_scores", "signals", "media"):
        touch_day(lake, f"core/{table}", day, "raw_ref = raw_ref || ' '")
    again = publish_seconds(root / "long", lake, datetime.now(UTC))
    alone = Lake(root / "alone")
    for table in ("sessions", "session_scores", "criterion_scores", "signals", "media"):
        target = alone.path(f"core/{table}", day)
        target.parent.mkdir(parents=True)
        target.write_bytes(lake.path(f"core/{table}", day).read_bytes())
    short = publish_seconds(root / "short", alone, datetime.now(UTC))["together"]
    return {
        "history_sessions": sessions,
        **flat({**again, "day_alone": short}),
        "extra_wall_s": round(again["together"].wall_s - short.wall_s, 3),
        "extra_cpu_s": round(again["together"].cpu_s - short.cpu_s, 3),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--history", type=int, default=1_000_000)
    options = parser.parse_args(arguments)
    suites.warm()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        figures: dict[str, object] = {"from_scratch": from_scratch(root, options.sessions)}
        if options.history:
            figures["one_more_day"] = one_more_day(root, options.history)
    record("publish", figures)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
