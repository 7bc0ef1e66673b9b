"""A place in a stream of changes: the moment of the last one and the id of its record.

Moments are not unique: a bulk job stamps thousands of rows with one. So a place is a pair, and reading goes on a
little before it: a change may become visible after a later one did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from integrations.sources import SourceError


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The last change that was read; ``id`` is empty where only the moment counts."""

    at: datetime
    id: str = ""

    def back(self, seconds: float) -> "Place":
        """Where to begin: before every record of that moment."""
        return Place(self.at - timedelta(seconds=seconds))

    def text(self) -> str:
        """As a page's cursor has it."""
        return orjson.dumps([self.at.astimezone(UTC).isoformat(), self.id]).decode()


def place(cursor: str | None) -> Place | None:
    """The place that a cursor names.

    Raises:
        SourceError: it was not written by this connector.
    """
    if cursor is None:
        return None
    try:
        at, key = orjson.loads(cursor)
        found = Place(datetime.fromisoformat(at), str(key))
    except (ValueError, TypeError):
        raise SourceError("the stored cursor cannot be read", "Read the connector in full once, with --full") from None
    if found.at.tzinfo is None:
        raise SourceError("the stored cursor has no UTC offset", "Read the connector in full once, with --full")
    return found


def shared(addresses: Mapping[str, str]) -> frozenset[str]:
    """Keys whose address, without regard to case, is another's as well: which record is whose is not known."""
    owners: dict[str, list[str]] = {}
    for key, address in addresses.items():
        owners.setdefault(address.casefold(), []).append(key)
    return frozenset(key for keys in owners.values() if len(keys) > 1 for key in keys)
