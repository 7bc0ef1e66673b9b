"""Tamper with homes and bundles at random, two hundred times, and verify untouched ones as often."""

import argparse
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from support.command import Command

from benchmarks import results
from benchmarks.tampering import KINDS
from governance.audit.files import verify_file
from governance.audit.home import Verdict, verify_home
from governance.settings import Settings
from governance.state import State

PERIOD = ("--from", "2026-01-01", "--to", "2026-12-31")


def verdict(home: Path) -> Verdict:
    """What a verification of a home finds."""
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    state = State.open(settings.database_url)
    try:
        return verify_home(settings, state)
    finally:
        state.close()


def soak(folder: Path, rounds: int, seed: int) -> results.Figures:
    """Every kind of tampering in turn, one in five of the bundle; raises ``AssertionError`` where one goes unseen."""
    started, home, bundle = time.monotonic(), folder / "home", folder / "b.zip"
    rolecall = Command(home)
    rolecall("simulate", "--sessions", "40", "--seed", str(seed), "--out", str(folder / "in"))
    rolecall("ingest", str(folder / "in"), "--tenant", "acme")
    rolecall("run")
    rolecall("audit", "bundle", *PERIOD, "--transcripts", "--out", str(bundle))
    draw, located = random.Random(seed), 0
    for number in range(rounds):
        if number % 5 == 4:
            _flip(draw, bundle, folder / "tampered.zip")
            located += 1
            continue
        tamper = KINDS[number % len(KINDS)]
        copy = folder / "copy"
        shutil.copytree(home, copy, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
        place = tamper(draw, copy)
        found = verdict(copy)
        if not any(place in finding.where for finding in found.findings):
            raise AssertionError(f"{tamper.__name__} at {place} was not located: {found.findings}")
        located += 1
        shutil.rmtree(copy)
    untouched = sum(verdict(home).intact and verify_file(bundle).intact for _ in range(rounds))
    if untouched != rounds:
        raise AssertionError(f"{rounds - untouched} of {rounds} untouched verifications found something")
    return {
        "tamperings": rounds, "located": located, "untouched": rounds, "false_alarms": rounds - untouched,
        "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip


def _flip(draw: random.Random, bundle: Path, target: Path) -> None:
    data = bytearray(bundle.read_bytes())
    place = draw.randrange(len(data))
    data[place] ^= 1 << draw.randrange(8)
    target.write_bytes(data)
    if verify_file(target).intact:
        raise AssertionError(f"a bit flipped in byte {place} of the bundle went unseen")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the soak and record its figures in benchmarks/soak.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="rolecall-tampering-") as folder:
        figures = soak(Path(folder), options.rounds, options.seed)
    results.record("audit_tampering", figures, results.SOAK)


if __name__ == "__main__":
    main()
