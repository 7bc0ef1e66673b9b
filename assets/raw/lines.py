"""Files of JSON lines, packed or not."""

import gzip
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

LARGEST_LINE = 16_000_000  # bytes; a session of many hours stays far below
SKIPPED = 1 << 20  # bytes read at once of what is left out


def open_lines(path: Path) -> BufferedIOBase:
    """The file for reading as bytes, unpacked where its name ends in .gz."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def numbered(file: BufferedIOBase, largest: int = LARGEST_LINE) -> Iterator[tuple[int, bytes]]:
    """Number, from 1, and text of each line.

    Of a line with more than ``largest`` bytes one byte more comes, and the rest is left out: a file without line ends,
    or a packed one that unpacks to a hundred times its size, must not fill the memory.
    """
    number = 0
    while line := file.readline(largest + 1):
        number += 1
        whole = len(line) <= largest or line.endswith(b"\n")
        yield number, line
        while not whole:
            rest = file.readline(SKIPPED)
            whole = not rest or rest.endswith(b"\n")
