"""Reproducible measurements: each states a ratio against a peer or a limit taken in the same run.

They build their data and start their servers with ``tests/support``, which is no part of the package: it is put on the
path here, once for all of them.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
