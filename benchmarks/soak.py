"""The long fault and fuzz runs, of which the test suite holds a small sample."""

import sys

from benchmarks import soak_delivery, soak_fuzz, soak_gateway, soak_lrs, soak_tampering, soak_writeback


def main() -> None:
    """Kills under load, of a delivery and of a write-back; two LRSs; mutated bodies on every route; tamperings."""
    soak_gateway.main(["--kills", "50"])
    soak_delivery.main(["--kills", "100"])
    soak_writeback.main(["--kills", "100"])
    soak_lrs.main([])
    soak_fuzz.main(["--bodies", "10000"])
    soak_tampering.main(["--rounds", "200"])


if __name__ == "__main__":
    sys.exit(main())
