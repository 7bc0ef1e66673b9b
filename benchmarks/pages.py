"""Every page of the dashboards over a long history: what its queries take, and when it is ready a second time.

    python -m benchmarks.pages [--sessions 1000000] [--rounds 5]

Queries are timed in the server itself, around each one that reaches DuckDB: another page's answer out of a cache is
none. A page is ready when its script has ended and its heading stands in a real Chromium.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from support.lake import write_lake
from support.pages import QUIET
from support.served import CHROMIUM, FLAGS, served
from support.synthetic import Draw, core_frames

from assets.lake import Lake
from benchmarks.publish import publish_seconds
from benchmarks.results import record

TENANT = "acme"
LOG = "ROLECALL_BENCHMARK_QUERIES"
START = "from benchmarks.pages import serve; serve()"
QUERY_P95_MS, READY_S = 150.0, 1.5


def serve() -> None:
    """Streamlit's command line, in a process that writes down what each query of a page took."""
    from streamlit.web import cli

    from dashboards import reader

    ask = reader.ask

    def timed(edition: reader.Edition, query: str, parameters: dict[str, Any]) -> pl.DataFrame:
        begun = time.perf_counter()
        frame = ask(edition, query, parameters)
        spent = {"ms": round((time.perf_counter() - begun) * 1000, 2), "query": " ".join(query.split())[:120]}
        with Path(os.environ[LOG]).open("a", encoding="utf-8") as log:
            log.write(json.dumps(spent) + "\n")
        return frame

    reader.ask = timed
    cli.main()


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)]


def visit_all(address: str, log: Path, rounds: int) -> dict[str, dict[str, Any]]:
    """Figures by page: its queries of the first visit, and the median time until it was ready in later ones."""
    from playwright.sync_api import sync_playwright

    from dashboards.registry import PAGES

    found: dict[str, dict[str, Any]] = {}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        for entry in PAGES:
            log.write_text("", encoding="utf-8")
            ready = []
            for _ in range(rounds + 1):
                begun = time.perf_counter()
                page.goto(f"{address}/{entry.path}")
                page.wait_for_selector('[data-testid="stHeading"]', timeout=60_000)
                page.wait_for_selector(QUIET, timeout=60_000)
                ready.append(time.perf_counter() - begun)
            asked = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            found[entry.view] = {
                "queries_ms": [each["ms"] for each in asked],
                "slowest": max(asked, key=lambda each: each["ms"])["query"] if asked else None,
                "first_s": round(ready[0], 2),
                "warm_s": round(statistics.median(ready[1:]), 2),
            }
            print(f"{entry.view}: first {ready[0]:.2f} s, warm {found[entry.view]['warm_s']} s", file=sys.stderr)
        browser.close()
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home, log = Path(folder) / "home", Path(folder) / "queries.jsonl"
        lake = Lake(Path(folder) / "lake")
        write_lake(lake, core_frames(Draw(options.sessions, max(options.sessions // 60, 50), 1000, tenant=TENANT)))
        publish_seconds(home, lake, datetime.now(UTC))
        os.environ[LOG] = str(log)
        with served(home, ("-c", START)) as address:
            pages = visit_all(address, log, options.rounds)
    queries = [ms for page in pages.values() for ms in page["queries_ms"]]
    figures = {
        "sessions": options.sessions,
        "query_p95_ms": percentile(queries, 0.95),
        "query_p95_budget_ms": QUERY_P95_MS,
        "slowest_warm_s": max(page["warm_s"] for page in pages.values()),
        "warm_budget_s": READY_S,
        "pages": {
            view: {name: value for name, value in page.items() if name != "queries_ms"}
            | {"queries": len(page["queries_ms"]), "slowest_ms": max(page["queries_ms"], default=None)}
            for view, page in pages.items()
        },
    }
    record("pages", figures)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
