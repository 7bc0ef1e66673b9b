"""One writer of the lake at a time, across processes.

A day's raw file is read, merged and replaced. Two processes that did so at once would each keep its own rows and
lose the other's, although both had marked them as drained. The lock is the kernel's (``flock``), so a killed
process never leaves it behind; the file beside it only says who holds it.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

POLL_S = 0.2
_held: set[Path] = set()  # locks of this process: what runs inside a held lock may ask for it again


@dataclass(frozen=True)
class Holder:
    """Who writes: process, what it does, since when (seconds since 1970)."""

    pid: int
    what: str
    since: float


class BusyError(Exception):
    """Another process writes the lake. ``remedy`` says what to do."""

    remedy = "Wait until it ends, then run the command again"

    def __init__(self, holder: Holder | None) -> None:
        super().__init__(f"{describe(holder)} is writing the lake")
        self.holder = holder


def describe(holder: Holder | None) -> str:
    """Who holds the lock, for people."""
    return "Another process" if holder is None else f"`{holder.what}` (process {holder.pid})"


def holder(lake: Path) -> Holder | None:
    """Who holds the lock now; None where nobody does."""
    path = _path(lake)
    if not path.exists():
        return None
    with path.open("r") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(path)
    return None


@contextmanager
def writing(lake: Path, what: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lake for the block. Raises ``BusyError`` when another process still has it after ``wait_s``."""
    path = _path(lake)
    if path in _held:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        _acquire(file.fileno(), path, wait_s)
        _held.add(path)
        try:
            file.truncate(0)
            file.write(json.dumps(asdict(Holder(os.getpid(), what, time.time()))))
            file.flush()
            yield
        finally:
            _held.discard(path)  # closing the file releases the lock


def _acquire(descriptor: int, path: Path, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise BusyError(_read(path)) from None
            time.sleep(POLL_S)
        else:
            return


def _path(lake: Path) -> Path:
    return lake.resolve() / ".writer"


def _read(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None  # the holder is just writing who it is
