"""The note of the newest event, beside a SQLite database: a chain that was cut off is shorter than it, or another one.

The note only rises. Writers commit one after the other and note what they wrote after that, in any order, so that each
compares under a lock first; and nobody notes anything over a chain that has lost the event noted last, or the
next event would hide what was cut off.
"""

import fcntl
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from governance.audit.links import GENESIS

LOG = logging.getLogger("rolecall.audit")


class UnreadableHeadError(ValueError):
    """The note is there and says nothing; the message says what it should hold."""


@dataclass(frozen=True, slots=True)
class Head:
    """An event's number and its hash."""

    seq: int
    hash: str


START = Head(0, GENESIS)  # noted before the first event, so that a chain with events and no note has lost it


def head_file(engine: Engine) -> Path | None:
    """Where the note of a state database lies; ``None`` where the database is no file."""
    database = engine.url.database
    return Path(f"{database}.head") if engine.dialect.name == "sqlite" and database else None


def read_head(path: Path) -> Head | None:
    """The noted event; ``None`` where nothing is noted.

    Raises:
        UnreadableHeadError: There is a note, and it names no event.
        OSError: It cannot be opened.
    """
    try:
        words = path.read_bytes().decode("ascii", "replace").split()
    except FileNotFoundError:
        return None
    if len(words) == 2 and words[0].isdecimal() and len(words[1]) == len(GENESIS):
        return Head(int(words[0]), words[1])
    raise UnreadableHeadError(f"{path.name}: holds no number and hash of an event")


def note_head(path: Path, head: Head) -> None:
    """Raise the note to ``head``; one as high or higher, or one that cannot be read, is left as it is.

    Raises:
        OSError: The note cannot be written.
    """
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            noted = read_head(path)
        except UnreadableHeadError as error:
            LOG.warning("%s; `rolecall audit verify` reports it", error)
            return
        if noted is None or noted.seq < head.seq:
            _replace(path, f"{head.seq} {head.hash}\n")


def _replace(path: Path, text: str) -> None:
    """Write the whole note or none of it, even where the power goes."""
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
