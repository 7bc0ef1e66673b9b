"""The Parquet lake: where each table lies, and how a day is replaced whole.

Nothing here knows what a table means; ``assets.contracts`` does. One process writes at a time (``writing``),
any number may read: a reader sees a day's old file or its new one, never half of it.
"""

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from governance.audit.seals import note

FIRST_DAY = date(2010, 1, 1)  # no earlier role-play on video is known; a date before it is a mistake at the source
FILE = "data.parquet"
STAGING = ".staging"
LOCK = ".writer.lock"
POLL_S = 0.2

_held: set[Path] = set()  # locks of this process: what runs inside a held lock may ask for it again


class LakeBusyError(RuntimeError):
    """Another process is writing this lake; says which, and what to do."""


class Lake:
    """Tables below one root: ``<root>/<layer>/<table>/day=<YYYY-MM-DD>/data.parquet``.

    Tables without partitions keep ``<root>/<layer>/<table>/data.parquet``. ``table`` is always the
    contract's path, such as ``core/turns``.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def folder(self, table: str) -> Path:
        """The table's folder, made or not."""
        return self.root / table

    def path(self, table: str, day: date | None = None) -> Path:
        """The file of one day, or of the whole table where it has no partitions."""
        folder = self.folder(table)
        return folder / FILE if day is None else folder / f"day={day.isoformat()}" / FILE

    def days(self, table: str) -> list[date]:
        """Days that have a file, in order."""
        folder = self.folder(table)
        if not folder.is_dir():
            return []
        found = (entry for entry in os.scandir(folder) if entry.name.startswith("day="))
        return sorted(
            date.fromisoformat(entry.name.removeprefix("day="))
            for entry in found
            if (Path(entry.path) / FILE).is_file()
        )

    def files(self, table: str, days: Iterable[date] | None = None) -> list[Path]:
        """Existing files of the given days (all days without), in order of day."""
        wanted = self.days(table) if days is None else sorted(set(days))
        return [path for day in wanted if (path := self.path(table, day)).is_file()]

    def file_id(self, table: str, day: date | None = None) -> str | None:
        """Identity of a file's content, ``None`` where there is none: changes whenever the file is replaced."""
        try:
            found = self.path(table, day).stat()
        except FileNotFoundError:
            return None
        return f"{found.st_size:x}-{found.st_mtime_ns:x}"

    def file_ids(self, table: str) -> dict[date, str]:
        """Identity of every day's file."""
        return {day: file_id for day in self.days(table) if (file_id := self.file_id(table, day)) is not None}

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A private folder on the lake's own file system, gone afterwards whatever happens."""
        folder = self.root / STAGING / uuid.uuid4().hex
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def replace_days(self, table: str, staged: Path, days: Iterable[date]) -> None:
        """Put each staged day in place; a day without a staged file loses its old one.

        ``staged`` is laid out as DuckDB's ``partition_by (day)`` writes it. Each day changes by one rename,
        so a crash leaves days that are old or new and never mixed; running again finishes the rest.
        """
        for day in sorted(set(days)):
            fresh = sorted((staged / f"day={day.isoformat()}").glob("*.parquet"))
            if len(fresh) > 1:
                raise ValueError(f"{table}: {len(fresh)} staged files for {day}, expected one")
            self.put(table, fresh[0] if fresh else None, day)

    def put(self, table: str, fresh: Path | None, day: date | None = None) -> None:
        """Replace one file by a finished one (``None`` removes it), durably and by rename."""
        target = self.path(table, day)
        if fresh is None:
            target.unlink(missing_ok=True)
            note(self.root, target)
            if day is not None and target.parent.is_dir() and not any(target.parent.iterdir()):
                target.parent.rmdir()
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync(fresh)
        fresh.replace(target)
        note(self.root, target)

    @contextmanager
    def writing(self, purpose: str, wait_s: float = 0.0) -> Iterator[None]:
        """Hold the lake's writer lock; clears what a crashed writer left staged. Nests within one process.

        The operating system frees the lock when its process dies, so no stale lock has to be removed by hand.

        Raises:
            LakeBusyError: another process still writes this lake after ``wait_s`` seconds.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        path = (self.root / LOCK).resolve()
        if path in _held:
            yield
            return
        with path.open("a+", encoding="utf-8") as lock:
            self._acquire(lock.fileno(), wait_s)
            _held.add(path)
            try:
                lock.truncate(0)
                lock.write(f"process {os.getpid()} ({purpose})")
                lock.flush()
                self.clear_leftovers()
                yield
            finally:
                _held.discard(path)
                lock.truncate(0)

    def _acquire(self, descriptor: int, wait_s: float) -> None:
        until = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(POLL_S)
                    continue
                raise LakeBusyError(
                    f"the lake {self.root} is being written by {self.writer() or 'another process'};"
                    " wait until it ends, or stop it, and try again"
                ) from None
            else:
                return

    def writer(self) -> str | None:
        """Who holds the writer lock, for people; None where nobody does."""
        path = self.root / LOCK
        if not path.exists():
            return None
        with path.open(encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip() or "another process"
        return None

    def clear_leftovers(self) -> None:
        """Remove staged files of a writer that died. Only for the holder of the writer lock."""
        shutil.rmtree(self.root / STAGING, ignore_errors=True)


def fingerprint(parts: Mapping[str, str | None]) -> str:
    """One text for a set of named inputs, the same whatever their order."""
    return "|".join(f"{name}={parts[name] or ''}" for name in sorted(parts))


def _sync(path: Path) -> None:
    """Flush a file to the disk before its name goes live."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
