"""Kill a write-back at random steps, again and again: each person's record is written once and the ledger agrees.

    python -m benchmarks.soak_writeback [--kills 100] [--people 2000] [--seed 7]

The people are a table of SQLite whose trigger counts the writes of each row.
"""

import argparse
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from support.writeback import Table

from benchmarks.results import SOAK, record


def main(argv: Sequence[str] | None = None) -> None:
    """Kill, count and record; ends with 1 where anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        table = Table(Path(folder), given.people)
        kills = table.killed(given.kills, random.Random(given.seed))
        differences = table.differences()
    figures: dict[str, object] = {"kills": kills, "people": len(table.accounts), "differences": differences}
    record("writeback_kill9", figures, SOAK)
    print(figures)
    if differences:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
