"""What a source of outcomes is, whoever the partner: records in typed pages, a cursor, deletes and keys.

A CRM, an LMS or an LRS that is read implements ``Source``. It only fetches: what a row means, which of its fields may
land and whom it belongs to is decided by the mapping (``integrations.mapping``), never by a connector.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Protocol

Scalar = str | int | float | bool | Decimal | date | datetime | None
Value = Scalar | Sequence[Scalar]
FieldType = Literal["text", "integer", "decimal", "boolean", "date", "datetime", "choice", "reference", "other"]


class SourceError(Exception):
    """A partner cannot be read; the text says what is wrong, ``remedy`` how to mend it. Nothing was changed."""

    def __init__(self, what: str, remedy: str | None = None) -> None:
        super().__init__(what)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a source's record.

    ``fields`` has one value for every path that was asked for, typed: money is ``Decimal``, a time is aware, absent is
    None. A deleted record needs no fields. ``modified_at`` orders versions; None where the source does not tell.
    """

    id: str
    fields: Mapping[str, Value]
    modified_at: datetime | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that could not become a record: where it stands (line, id) and why, never its content."""

    place: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """A few hundred to a few thousand records.

    ``cursor`` is where reading goes on once this page has landed: text that only the connector understands, the same
    whenever the page is read again. None: the source has no place to go on from, and is read whole next time.
    """

    records: Sequence[Record]
    cursor: str | None = None
    unreadable: Sequence[Unreadable] = ()


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of the partner's catalogue. ``choices`` is None where any value goes."""

    name: str
    type: FieldType
    writable: bool = True
    choices: frozenset[str] | None = None
    max_length: int | None = None
    precision: int | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a source can tell.

    ``cursor``: reads what changed since a place; otherwise all of it is read and compared with what landed before.
    ``tombstones``: ``deleted`` names what is gone, and the source keeps that for ``tombstones_kept``.
    ``keys``: ``keys`` lists every living id. What is gone is found by tombstones, else by keys, else (a source that is
    always read whole) by absence.
    """

    cursor: bool = True
    tombstones: bool = False
    tombstones_kept: timedelta | None = None
    keys: bool = True


@dataclass(frozen=True, slots=True)
class Query:
    """What is read of one object: paths of fields as the partner names them, and the partner's own condition."""

    object: str
    fields: tuple[str, ...]
    id: str = "id"
    modified_at: str | None = None
    where: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """A partner that is read."""

    name: str
    capabilities: Capabilities

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """Catalogue of an object's fields by name.

        Raises:
            SourceError: no connection, no right, no such object.
        """
        ...

    def read(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Records that changed since the cursor (None: all), oldest change first, deleted ones where they come along.

        A record may come twice, never not at all: ties at the boundary are read again, and a source whose clock or
        index lags is read with an overlap.

        Raises:
            SourceError: reading failed; pages that were given stay good.
        """
        ...

    def deleted(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Records that were deleted since the cursor, for sources with ``tombstones`` that ``read`` does not give."""
        ...

    def keys(self, query: Query) -> Iterator[Sequence[str]]:
        """Every living id, a page at a time, for sources with ``keys``.

        Raises:
            SourceError: a page is missing; ids given so far are then not all.
        """
        ...

    def close(self) -> None:
        """Give back connections."""
        ...
