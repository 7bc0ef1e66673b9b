"""What every CRM connector gives: a ``Source`` of rows, and a ``PersonSink`` that writes fields of people's records.

Reading is described in ``integrations.sources``, delivery in ``integrations.sync.base``. What is added here is what
every writer to a CRM must do and easily forgets: check the field catalogue before the first write, since a CRM may
answer 200 and drop an unknown field; touch only records that exist; read back what it claims to have stored.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, Protocol

import orjson

from integrations.crm.config import Writing
from integrations.sources import FieldInfo, Source
from integrations.sync.base import (
    Action,
    Answer,
    Fate,
    Limits,
    Outgoing,
    Preflight,
    Presence,
    Result,
    Sighting,
    SyncError,
)

Kind = Literal["number", "text", "date", "boolean"]
TYPES: dict[Kind, frozenset[str]] = {
    "number": frozenset({"integer", "decimal", "text"}),
    "text": frozenset({"text", "choice"}),
    "date": frozenset({"date", "datetime", "text"}),
    "boolean": frozenset({"boolean", "text"}),
}


@dataclass(frozen=True, slots=True)
class Found:
    """A person's record as it stands: its id, its version where the CRM has one, and the fields that were asked for."""

    remote_id: str
    values: Mapping[str, Any]
    version: str | None = None


class Unseen(Exception):  # noqa: N818
    """The CRM could not be asked; ``code`` as in a ``Result``."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class PersonSink(ABC):
    """Writes fields of people's records; a ``Sink`` of the sync engine.

    ``addresses`` gives for each outgoing key (the learner key) what finds the record: the value of ``writing.key``.
    """

    def __init__(self, writing: Writing, addresses: Mapping[str, str]) -> None:
        self.writing = writing
        self.addresses = addresses

    @abstractmethod
    def catalogue(self) -> Mapping[str, FieldInfo]:
        """Fields of the object that is written to. Raises ``SyncError``."""

    @abstractmethod
    def look(self, batch: Sequence[Outgoing]) -> Sequence[Found | None]:
        """Each person's record with the written fields, None where there is none. Raises ``Unseen``."""

    @abstractmethod
    def write(self, batch: Sequence[Outgoing]) -> Answer:
        """Write the batch in one call, as ``Sink.apply``."""

    def values(self, record: Outgoing) -> dict[str, Any]:
        """What the CRM's fields are to hold; a person who left the source has every written field emptied."""
        if record.action is Action.REMOVE:
            return dict.fromkeys(self.writing.fields.values())
        return orjson.loads(record.payload)

    def limits(self) -> Limits:
        """How much the CRM takes at once."""
        return Limits(batch_count=100)

    def preflight(self) -> Preflight:
        """Every mapped field exists, can be written and holds its kind of value.

        Raises:
            SyncError: naming every field that is not fit.
        """
        wrong = misfits(self.catalogue(), self.writing)
        if wrong:
            raise SyncError(
                f"{self.writing.object}: {'; '.join(wrong)}",
                "Create or correct the fields in the CRM, or mend write.fields of the connector",
            )
        return Preflight(self.limits())

    def apply(self, batch: Sequence[Outgoing]) -> Answer:
        """Write, then read back: a record counts as stored when the CRM shows what was sent."""
        answer = self.write(batch)
        if not isinstance(answer, Sequence):
            return answer
        stored = [record for record, result in zip(batch, answer, strict=True) if result.fate is Fate.STORED]
        try:
            seen = dict(zip((record.key for record in stored), self.look(stored), strict=True)) if stored else {}
        except Unseen as why:  # stored or not: the engine reads back and decides
            return [
                Result(Fate.UNKNOWN, why.code, str(why)) if result.fate is Fate.STORED else result for result in answer
            ]
        return [
            self._verified(record, seen[record.key], result) if result.fate is Fate.STORED else result
            for record, result in zip(batch, answer, strict=True)
        ]

    def read_back(self, batch: Sequence[Outgoing]) -> Sequence[Sighting]:
        """Whether each record holds what was sent. One that holds anything else has not had this write yet."""
        try:
            found = self.look(batch)
        except Unseen as why:
            return [Sighting(Presence.UNKNOWN, str(why), code=why.code) for _ in batch]
        return [
            Sighting(Presence.SAME, remote_id=seen.remote_id, remote_version=seen.version)
            if seen is not None and not differing(self.values(record), seen.values)
            else Sighting(Presence.ABSENT)
            for record, seen in zip(batch, found, strict=True)
        ]

    def close(self) -> None:
        """Give back connections."""
        return

    def _verified(self, record: Outgoing, seen: Found | None, result: Result) -> Result:
        if seen is None:
            return Result(Fate.REFUSED, "not_found_after_write", "the CRM took the record, yet does not show it")
        wrong = differing(self.values(record), seen.values)
        if wrong:
            reason = f"the CRM answered yes and kept another value in {', '.join(wrong)}"
            return Result(Fate.REFUSED, "not_kept", reason, seen.remote_id)
        return Result(Fate.STORED, result.code, result.reason, seen.remote_id, seen.version)


class Connector(Source, Protocol):
    """A CRM: read as a ``Source``, written through the sink that it makes."""

    def sink(self, writing: Writing, addresses: Mapping[str, str]) -> PersonSink:
        """The writer of ``write`` in the connector's file. Raises ``SyncError`` where the CRM cannot be written."""
        ...


def misfits(catalogue: Mapping[str, FieldInfo], writing: Writing) -> list[str]:
    """What is wrong with the mapped fields, one clause a field."""
    wrong = []
    for ours, theirs in writing.fields.items():
        info, kind = catalogue.get(theirs), kind_of(ours)
        if info is None:
            wrong.append(f"it has no field {theirs} (for {ours})")
        elif not info.writable:
            wrong.append(f"the field {theirs} cannot be written")
        elif info.type not in TYPES[kind]:
            wrong.append(f"the field {theirs} is of type {info.type}, {ours} is a {kind}")
    return wrong


def kind_of(ours: str) -> Kind:
    """The kind of value that one of our fields holds, told by the first part of its name."""
    return KINDS[ours.partition(".")[0]]


KINDS: dict[str, Kind] = {
    "readiness": "number",
    "ready": "boolean",
    "attempts": "number",
    "last_practised_on": "date",
    "last_certified_on": "date",
    "last_certification": "text",
    "next_practice_due": "date",
    "provenance": "text",
}


def differing(sent: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Fields whose value reads otherwise than it was sent."""
    return [name for name, value in sent.items() if plain(value) != plain(found.get(name))]


def plain(value: Any) -> Any:
    """A value in the form in which two systems' spellings of it are equal: numbers by value, times as text."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or str(value).lower() in ("true", "false"):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return value.isoformat()
    try:
        return Decimal(str(value)).normalize()
    except InvalidOperation:
        return str(value).strip()
