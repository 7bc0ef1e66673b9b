"""Run every benchmark but the slow ones, or those named, each in a process of its own so that none warms the next."""

import subprocess
import sys

BENCHMARKS = ("load", "publish", "gateway", "xapi", "delivery", "crm", "pages", "audit")
SLOW = ("reverse_etl",)  # twenty minutes of waiting for somebody else's pace


def main(names: list[str]) -> int:
    """Exit code: 0 when all ran, 1 when one failed, 2 for a name that is not a benchmark."""
    unknown = sorted(set(names) - {*BENCHMARKS, *SLOW})
    if unknown:
        print(f"no benchmark named {', '.join(unknown)}; there are {', '.join((*BENCHMARKS, *SLOW))}", file=sys.stderr)
        return 2
    failed = [
        name
        for name in names or BENCHMARKS
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    ]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
