"""Loading session bundles from files to published marts, beside DuckDB's bare ``read_json`` and beside dlt.

    python -m benchmarks.load [--sessions 100000] [--history 1000000] [--dlt-sessions 10000]

Every measurement runs in a process of its own with two threads, over the same bytes and one after the other. ``bare``
is ``read_json`` of the file without options into a temporary table, ``typed`` the same with our column types given;
the fastest of three counts, since the first one still waits for the file to be written.
Ratios are of queries, checks and publishing. Dagster's bookkeeping is reported apart, and so are the imports of
libraries (``start_s``): the bare reader's clock, too, begins once DuckDB is imported.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.results import record

FIRST = date(2026, 8, 1)
DAYS = 90
THREADS = 2
USED = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
PEER_RUNS = 3
LEARNERS = 2_000
REHEARSED = 60  # sessions of each learner of the long history, one in two weeks of 900 days
CHUNK = 100_000  # sessions a file of the long history


def peak_gib() -> float:
    """Largest memory of this process, or of a worker of its own, so far."""
    return max(resource.getrusage(who).ru_maxrss for who in USED) / 1024**2


def cpu_s() -> float:
    """Seconds of both cores that this process and its workers took, imports included."""
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, USED))


def bare(source: Path, typed: bool) -> dict[str, Any]:
    """DuckDB alone."""
    import duckdb

    from assets.raw.bundle_sql import TYPES, reader

    with duckdb.connect() as con:
        con.execute(f"set threads = {THREADS}")
        con.execute("set enable_progress_bar = false")
        table = reader(str(source), TYPES) if typed else f"read_json('{source}')"
        begun = time.perf_counter()
        con.execute(f"create temp table sessions as from {table}")
        return {"seconds": time.perf_counter() - begun}


def ours(home: Path, sources: list[Path]) -> dict[str, Any]:
    """Landing, and ``rolecall run``: core, marts, checks, publishing."""
    from governance.settings import Settings
    from pipelines import environment

    os.environ["ROLECALL_HOME"] = str(home)
    settings = Settings()
    environment.prepare(settings)  # before NumPy comes in, which reads how many threads it may have
    begun = time.perf_counter()
    import scipy.special  # noqa: F401 - the estimates import it on first use

    from assets.checks import suites
    from assets.lake import Lake
    from assets.raw.bundles import land
    from governance.gate import SignalPolicy
    from governance.identities import Identities
    from governance.secrets import secret_key
    from governance.state import State
    from pipelines import definitions  # noqa: F401 - the run imports Dagster through it
    from pipelines.run import bring_up_to_date

    suites.warm()
    start_s = time.perf_counter() - begun
    state = State.open(settings.database_url)
    begun = time.perf_counter()
    landings = land(
        sources,
        lake=Lake(settings.lake),
        state=state,
        identities=Identities(state, secret_key(settings)),
        policy=SignalPolicy.load(settings.config / "policy.yaml"),
        received_at=datetime.now(UTC),
    )
    landed = time.perf_counter() - begun
    begun = time.perf_counter()
    report = bring_up_to_date(settings)
    spent = time.perf_counter() - begun
    return {
        "sessions": sum(landing.accepted for landing in landings),
        "start_s": start_s,
        "landing_s": landed,
        "work_s": report.work_s,
        "bookkeeping_s": report.bookkeeping_s,
        "run_s": spent,
        "seconds": landed + report.work_s,
        "days": report.days,
    }


def dlt_load(source: Path, folder: Path) -> dict[str, Any]:
    """The same file with dlt into DuckDB: nested lists become child tables, as ours do; no gate, judgement or marts."""
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(folder),
        "NORMALIZE__WORKERS": str(THREADS),
    }
    import dlt
    import orjson

    @dlt.resource(name="sessions", write_disposition="replace")
    def sessions() -> Any:
        with source.open("rb") as lines:
            some: list[Any] = []
            for line in lines:
                some.append(orjson.loads(line))
                if len(some) == 1_000:
                    yield some
                    some = []
            yield some

    begun = time.perf_counter()
    destination = dlt.destinations.duckdb(str(folder / "dlt.duckdb"))
    dlt.pipeline("bench", destination=destination, dataset_name="raw", pipelines_dir=str(folder)).run(sessions())
    return {"seconds": time.perf_counter() - begun}


def child(*words: object) -> dict[str, Any]:
    """Run one measurement in a process of its own; its last line of output is the result."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", "--child", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{words[0]} failed:\n{done.stderr[-4_000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def fastest(*words: object) -> dict[str, Any]:
    """The best of some runs: what a peer can do, undisturbed."""
    return min((child(*words) for _ in range(PEER_RUNS)), key=lambda found: found["seconds"])


def history(path: Path, sessions: int, start: date, days: int, prefix: str, learners: int = LEARNERS) -> None:
    """Session bundles of the simulator, about 30 turns each."""
    from governance.catalog import Catalog
    from governance.settings import PROJECT
    from integrations.engine.simulator import history as simulator

    catalog = Catalog.load(PROJECT / "config")
    last = start + timedelta(days=days - 1)
    simulator.write(catalog, path, sessions, start=start, end=last, learner_count=learners, prefix=prefix)


def first_load(folder: Path, sessions: int, dlt_sessions: int) -> dict[str, Any]:
    """Files to published marts, against the peers."""
    source = folder / "sessions.jsonl"
    history(source, sessions, FIRST, DAYS, "h")
    found = {
        "bare": fastest("bare", source),
        "typed": fastest("typed", source),
        "ours": child("ours", folder / "home", source),
    }
    figures: dict[str, Any] = {
        "sessions": sessions,
        "days": DAYS,
        "bytes": source.stat().st_size,
        **{name: rounded(each) for name, each in found.items()},
        "ratio_to_bare": round(found["ours"]["seconds"] / found["bare"]["seconds"], 2),
        "ratio_to_typed": round(found["ours"]["seconds"] / found["typed"]["seconds"], 2),
    }
    if dlt_sessions:
        figures |= beside_dlt(folder, source, sessions, dlt_sessions, found["ours"]["seconds"])
    source.unlink()
    return figures


def beside_dlt(folder: Path, source: Path, sessions: int, share: int, ours_s: float) -> dict[str, Any]:
    """What dlt takes for a share of the sessions and a quarter of it: the slope is its speed, the rest its start.

    Scaled to all sessions by the slope alone, which leaves its start out and so speaks for dlt.
    """
    times: dict[int, float] = {}
    figures: dict[str, Any] = {}
    for size in (max(1, share // 4), share):
        sample = folder / f"sample-{size}.jsonl"
        with source.open("rb") as lines, sample.open("wb") as out:
            out.writelines(line for _, line in zip(range(size), lines, strict=False))
        peer = child("dlt", sample, folder / f"dlt-{size}")
        times[size] = peer["seconds"]
        figures[f"dlt_{size}_sessions"] = rounded(peer)
        sample.unlink()
    (small, small_s), (large, large_s) = times.items()
    each = (large_s - small_s) / (large - small)
    return figures | {
        "dlt_start_s": round(small_s - each * small, 2),
        "dlt_seconds_scaled_to_all": round(each * sessions, 1),
        "times_faster_than_dlt": round(each * sessions / ours_s, 1),
    }


def one_more_day(folder: Path, sessions: int) -> dict[str, Any]:
    """A day on top of a long history, against the same day alone."""
    days = max(DAYS, sessions // 1_100)
    start = FIRST - timedelta(days=days)
    learners = max(LEARNERS, sessions // REHEARSED)
    sources = []
    for number, begin in enumerate(range(0, sessions, CHUNK)):
        source = folder / f"history-{number}.jsonl"
        share = min(CHUNK, sessions - begin)
        span = max(1, days * share // sessions)
        history(source, share, start + timedelta(days=days * begin // sessions), span, f"y{number}-", learners)
        sources.append(source)
    loaded = child("ours", folder / "long", *sources)
    day = folder / "day.jsonl"
    history(day, 1_100, FIRST, 1, "d", learners)
    alone, added = child("ours", folder / "alone", day), child("ours", folder / "long", day)
    return {
        "history_sessions": sessions,
        "learners": learners,
        "history": rounded(loaded),
        "day_alone": rounded(alone),
        "day_on_history": rounded(added),
        "extra_s": round(added["seconds"] - alone["seconds"], 2),
    }


def rounded(figures: dict[str, Any]) -> dict[str, Any]:
    """Seconds and GiB with two decimals: more would be noise."""
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in figures.items()}


def main() -> None:
    """Measure and record; ``--child`` is how it calls itself."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sessions", type=int, default=100_000)
    options.add_argument("--history", type=int, default=1_000_000, help="0 leaves the long history out")
    options.add_argument("--dlt-sessions", type=int, default=10_000, help="0 leaves dlt out")
    options.add_argument("--child", nargs="+")
    given = options.parse_args()
    if given.child:
        what, *paths = given.child
        where = [Path(path) for path in paths]
        runs = {
            "bare": lambda: bare(where[0], typed=False),
            "typed": lambda: bare(where[0], typed=True),
            "ours": lambda: ours(where[0], where[1:]),
            "dlt": lambda: dlt_load(*where),
        }
        print(json.dumps(runs[what]() | {"cpu_s": cpu_s(), "peak_gib": peak_gib()}))
        return
    with tempfile.TemporaryDirectory(prefix="rolecall-load-") as folder:
        record("load", first_load(Path(folder), given.sessions, given.dlt_sessions))
        if given.history:
            record("one_more_day", one_more_day(Path(folder), given.history))


if __name__ == "__main__":
    main()
