"""Kill a delivery at random steps, again and again: each statement is in the LRS exactly once and the ledger agrees.

    python -m benchmarks.soak_delivery [--kills 100] [--sessions 560] [--seed 7]

560 sessions are 5,040 statements. Each process is killed with SIGKILL after a random number of the ledger's steps and
a random moment more, so that it dies before, in and after a call.
"""

import argparse
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from support.deliver import agrees, connect, home_with, killed, statements
from support.lrs import xapi_statements

from benchmarks.results import SOAK, record


def main(argv: Sequence[str] | None = None) -> None:
    """Kill, count and record; ends with 1 where anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=560)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(argv)
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder, xapi_statements(Path(folder) / "lrs") as peer:
        home = home_with(Path(folder) / "made", given.sessions)
        total = statements(home)
        connect(home, "soak", peer.url, batch_count=max(1, total // (given.kills * 8)), recheck=0)
        kills = killed(home, "soak", given.kills, draw)
        differences = agrees(home, "soak", peer)
        held = len(peer.statements())
    figures: dict[str, object] = {"kills": kills, "statements": total, "in_the_lrs": held, "differences": differences}
    record("delivery_kill9", figures, SOAK)
    print(figures)
    if differences or held != total:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
