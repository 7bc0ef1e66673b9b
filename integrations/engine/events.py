"""The deliveries of one session as events: each once, in an order that follows from their content alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from integrations.engine import vocabulary as v
from integrations.engine.canonical import Content, content
from integrations.engine.delivery import whole_seconds


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``at`` is the engine's time and ``received`` ours, both epoch seconds."""

    type: str
    at: float | None
    received: float
    content: Content
    key: str

    @property
    def moment(self) -> float:
        """The engine's time, else the receipt."""
        return self.received if self.at is None else self.at


def events(rows: Sequence[Mapping[str, Any]]) -> list[Event]:
    """Rows of raw/deliveries as events, sorted by time, type and key; of a repeated key the first receipt counts."""
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        known = first.get(row["event_key"])
        if known is None or _precedence(row) < _precedence(known):
            first[row["event_key"]] = row
    found = [_event(row) for row in first.values()]
    found.sort(key=lambda event: (event.moment, event.type, event.key))
    return found


def by_type(found: Iterable[Event]) -> dict[str, list[Event]]:
    """Events by type, each list in order."""
    groups: dict[str, list[Event]] = {}
    for event in found:
        groups.setdefault(event.type, []).append(event)
    return groups


def iso(seconds: float) -> str:
    """Epoch seconds as ISO 8601 in UTC, to the microsecond."""
    return datetime.fromtimestamp(round(seconds, 6), tz=UTC).isoformat().replace("+00:00", "Z")


def _precedence(row: Mapping[str, Any]) -> tuple[datetime, str]:
    return row["received_at"], row["body"]


def _event(row: Mapping[str, Any]) -> Event:
    kind = row["event_type"]
    engine_at: datetime | None = row["engine_at"]
    at = None
    if engine_at is not None:
        at = engine_at.timestamp()
        if whole_seconds(kind):  # the same event by webhook and by pull is one, and only one has a fraction
            at //= 1
    fields = content(kind, orjson.loads(row["body"])) if kind in v.KNOWN else {}
    return Event(kind, at, row["received_at"].timestamp(), fields, row["event_key"])
