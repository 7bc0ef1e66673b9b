"""An audit report and a bundle over a quarter of one scenario, and their verification, as a user waits for them.

    python -m benchmarks.audit [--sessions 10000] [--keep FOLDER]

Each figure is the whole command, its start included, in a process of its own; ``cpu`` is what both cores worked for it.
The simulator's sessions are of the scenario with a legal term of retention, about 30 turns each.
"""

import argparse
import dataclasses
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benchmarks.results import record
from governance.catalog import Catalog
from governance.settings import PROJECT
from integrations.engine.simulator import history

SCENARIO = "suitability-fund"
FIRST, LAST = date(2026, 7, 1), date(2026, 9, 30)
BUDGET_S = 30.0  # of the report


def rolecall(home: Path, *words: str) -> tuple[float, float]:
    """Seconds of a command, and those of both cores; raises ``SystemExit`` with what it said where it failed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
    begun, worked = time.perf_counter(), _cpu_s()
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *words],
        env=kept | {"ROLECALL_HOME": str(home)}, cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"rolecall {' '.join(words)} failed:\n{done.stdout}\n{done.stderr[-4_000:]}")
    return time.perf_counter() - begun, _cpu_s() - worked


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def practise(folder: Path, sessions: int) -> Path:
    """A home that holds the sessions, built once; the folder may be kept for another measurement."""
    home, bundles = folder / "home", folder / "sessions.jsonl"
    if home.exists():
        return home
    catalog = Catalog.load(PROJECT / "config")
    one = {key: scenario for key, scenario in catalog.scenarios.items() if scenario.id == SCENARIO}
    history.write(dataclasses.replace(catalog, scenarios=one), bundles, sessions, start=FIRST, end=LAST)
    rolecall(home, "ingest", str(bundles), "--tenant", "acme")
    rolecall(home, "run")
    return home


def measure(folder: Path, sessions: int) -> dict[str, object]:
    """Seconds of report, bundle and their verifications, those of both cores beside them, and sizes of files."""
    home = practise(folder, sessions)
    report, bundle = folder / "r.pdf", folder / "b.zip"
    scope = ("--scenario", SCENARIO, "--from", str(FIRST), "--to", str(LAST), "--tenant", "acme")
    commands = {
        "report": ("report", *scope, "--out", str(report)),
        "verify_report": ("verify", str(report)),
        "bundle": ("bundle", *scope, "--transcripts", "--out", str(bundle)),
        "verify_bundle": ("verify", str(bundle)),
        "verify_home": ("verify",),
    }
    seconds: dict[str, float] = {}
    for name, words in commands.items():
        seconds[f"{name}_s"], seconds[f"{name}_cpu_s"] = rolecall(home, "audit", *words)
    sizes = {"report_mb": report.stat().st_size / 1e6, "bundle_mb": bundle.stat().st_size / 1e6}
    return {"sessions": sessions, **{name: round(value, 2) for name, value in (seconds | sizes).items()}}


def main() -> None:
    """Measure, and record the figures in benchmarks/results.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, help="Folder of home and files, used again where it holds them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rolecall-audit-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        figures = measure(folder, options.sessions)
    taken = float(str(figures["report_s"]))
    figures |= {"report_budget_s": BUDGET_S, "within_budget": taken <= BUDGET_S}
    record("audit", figures)
    print(figures)


if __name__ == "__main__":
    main()
