"""Files of JSON lines, packed or not."""

import gzip
from pathlib import Path
from typing import IO


def open_lines(path: Path) -> IO[bytes]:
    """The file for reading as bytes, unpacked where its name ends in .gz."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
