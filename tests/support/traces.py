"""Everything below a home, opened: what stands in any file, table or database, and where words are found in it."""

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
from support import sqlite

SQLITE = b"SQLite format 3\x00"


def everything(home: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below the home; columns of Parquet and tables of databases as text as well, since they are packed."""
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.name == "secret.key":
            continue
        content = path.read_bytes()
        yield path, content
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield from ((path, archive.read(name)) for name in archive.namelist())
        elif path.suffix == ".parquet":
            yield path, repr(duckdb.read_parquet(str(path)).fetchall()).encode()
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as con:
                for (table,) in con.execute("select table_name from duckdb_tables()").fetchall():
                    yield path, repr(con.execute(f'from "{table}"').fetchall()).encode()
        elif content.startswith(SQLITE):
            with sqlite.reading(path) as con:
                yield path, "\n".join(con.iterdump()).encode()


def traces(home: Path, words: Iterable[str]) -> list[tuple[str, str]]:
    """Where the words stand by themselves: an employee's number may well be part of some digest."""
    spelt = {spelling.encode(): word for word in words for spelling in (word, json.dumps(word)[1:-1])}
    found = {
        (str(path.relative_to(home)), word)
        for path, content in everything(home)
        for spelling, word in spelt.items()
        if _stands(spelling, content)
    }
    return sorted(found)


def _stands(spelling: bytes, content: bytes) -> bool:
    """Whether the spelling stands there with neither letter nor digit beside it; regular expressions take minutes."""
    at = content.find(spelling)
    while at >= 0:
        around = content[max(at - 1, 0) : at] + content[at + len(spelling) : at + len(spelling) + 1]
        if not re.search(rb"[0-9A-Za-z]", around):
            return True
        at = content.find(spelling, at + 1)
    return False
