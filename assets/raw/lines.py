"""Files of JSON lines, packed or not."""

import gzip
from io import BufferedIOBase
from pathlib import Path


def open_lines(path: Path) -> BufferedIOBase:
    """The file for reading as bytes, unpacked where its name ends in .gz."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
