"""Lines of files that strangers send: one that never ends costs no memory, and the lines after it are read."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from assets.raw.lines import numbered, open_lines


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", []),
        (b"one\n\ntwo", [(1, b"one\n"), (2, b"\n"), (3, b"two")]),
        (b"12345\n", [(1, b"12345\n")]),
        (b"12345", [(1, b"12345")]),
        (b"123456", [(1, b"123456")]),
        (b"123456\nnext\n", [(1, b"123456"), (2, b"next\n")]),
        (b"1234567890\nnext\n", [(1, b"123456"), (2, b"next\n")]),
        (b"1234567890", [(1, b"123456")]),
    ],
)
def test_a_line_is_whole_or_one_byte_too_long(tmp_path: Path, content: bytes, found: list[tuple[int, bytes]]) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with open_lines(path) as file:
        assert list(numbered(file, 5)) == found


def test_a_packed_line_without_end_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(200):
            file.write(b"0" * 1_000_000)
        file.write(b"\nnext\n")
    assert path.stat().st_size < 1_000_000
    tracemalloc.start()
    with open_lines(path) as file:
        found = [(number, len(line)) for number, line in numbered(file, 1_000)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(1, 1_001), (2, 5)]
    assert peak < 20_000_000
