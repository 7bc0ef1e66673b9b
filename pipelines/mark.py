"""What the last run left behind, kept in the home: read by the next run and by the daemon's sensors."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

FILE = "last-run.json"


@dataclass(frozen=True)
class Mark:
    """A digest of all that was published, the days that are rebuilt but not checked, and those cut off half-way."""

    content: str | None = None
    unchecked: tuple[date, ...] = ()
    unfinished: tuple[date, ...] = ()

    @classmethod
    def read(cls, home: Path) -> "Mark":
        """The mark; an unreadable one counts as none, and the run then does more than it had to."""
        try:
            found = json.loads((home / FILE).read_text("utf-8"))
            return cls(found["content"], _days(found["unchecked"]), _days(found["unfinished"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, home: Path) -> None:
        """Replace the mark."""
        draft = home / f".{FILE}"
        days = {name: [str(day) for day in getattr(self, name)] for name in ("unchecked", "unfinished")}
        draft.write_text(json.dumps({"content": self.content} | days), "utf-8")
        draft.replace(home / FILE)

    def begun(self, days: Iterable[date]) -> "Mark":
        """These days are about to be rebuilt: what was published is no longer what core holds."""
        listed = set(days)
        return Mark(None, _merged(self.unchecked, listed), _merged(self.unfinished, listed))

    def built(self) -> "Mark":
        """All that was begun is in place, though not yet checked."""
        return replace(self, unfinished=())

    def checked(self, first: date, last: date) -> "Mark":
        """The days from ``first`` to ``last`` are rebuilt and have passed their checks."""
        kept = [tuple(day for day in days if not first <= day <= last) for days in (self.unchecked, self.unfinished)]
        return replace(self, unchecked=kept[0], unfinished=kept[1])


def _days(texts: Iterable[str]) -> tuple[date, ...]:
    return tuple(sorted(date.fromisoformat(text) for text in texts))


def _merged(known: Iterable[date], more: Iterable[date]) -> tuple[date, ...]:
    return tuple(sorted({*known, *more}))
