"""Deliver demo data and every CaSiNo negotiation to two LRSs of different make, by the command, twice.

    python -m benchmarks.soak_lrs [--sessions 120] [--seed 7]

The LRSs are npm's xapi-statements and Ralph. Each has to hold what the ledger says that it acknowledged, each
statement once, and a second sync has to send nothing. Ends with 1 where it does not add up.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from support import casino
from support.command import ROOT, Command
from support.deliveries import Held, deliver_twice, home_of_commands
from support.lrs import Peer, ralph, xapi_statements

from benchmarks.results import SOAK, record

CASINO = ROOT.parent / "shared" / "data" / "casino_train.json"


def demo(folder: Path, rolecall: Command, sessions: int, seed: int) -> None:
    """Simulated sessions of the tenant ``acme``."""
    delivered = folder / "delivered"
    rolecall("simulate", "--sessions", str(sessions), "--seed", str(seed), "--out", str(delivered))
    rolecall("ingest", str(delivered), "--tenant", "acme")
    rolecall("run")


def negotiations(folder: Path, rolecall: Command) -> None:
    """Every session of the data set, two for each dialogue."""
    bundles, outcomes = casino.convert(CASINO, folder / "input")
    rolecall("ingest", str(bundles), "--outcomes", str(outcomes), "--tenant", casino.TENANT)
    rolecall("run")


@contextmanager
def lrss(folder: Path) -> Iterator[list[Peer]]:
    """Both LRSs, empty."""
    with xapi_statements(folder / "strict") as strict, ralph(folder / "ralph") as lenient:
        yield [strict, lenient]


def delivered(folder: Path, sessions: int, seed: int) -> Mapping[str, Mapping[str, Held]]:
    """What each LRS holds, by source of the sessions."""
    found: dict[str, Mapping[str, Held]] = {}
    for name in ("demo", "casino"):
        if name == "casino" and not CASINO.exists():
            print("the CaSiNo file is not beside this checkout (../shared/data/casino_train.json): left out")
            continue
        below = folder / name
        home, rolecall = home_of_commands(below)
        if name == "demo":
            demo(below, rolecall, sessions, seed)
        else:
            negotiations(below, rolecall)
        with lrss(below) as peers:
            found[name] = deliver_twice(home, rolecall, peers)
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Deliver, count and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=120)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        found = delivered(Path(folder), given.sessions, given.seed)
    figures: dict[str, object] = {
        source: {name: held.figures() for name, held in peers.items()} for source, peers in found.items()
    }
    record("two_lrss", figures, SOAK)
    print(figures)
    if not all(held.adds_up for peers in found.values() for held in peers.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
