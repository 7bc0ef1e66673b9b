"""Rows of a simulated CRM: typed fields, rules, unique values, soft deletes and merges.

Values are held typed: text as str, numbers as Decimal, dates as date, moments as aware datetimes, booleans as bool,
nothing as None. How they look on the wire is each simulator's business.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Kind = Literal["id", "text", "email", "number", "date", "datetime", "boolean", "picklist", "reference"]
Values = dict[str, Any]
_TRUE = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Field:
    """A column as the field catalogue shows it; ``length`` counts characters, or digits before the point."""

    name: str
    kind: Kind = "text"
    label: str = ""
    length: int = 255
    scale: int = 0
    options: tuple[str, ...] = ()
    unique: bool = False
    writable: bool = True
    required: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A validation rule of the administrator: rows for which ``refuses`` is true are not saved."""

    name: str
    message: str
    refuses: Callable[[Mapping[str, Any]], bool]
    field: str | None = None


class Refused(Exception):  # noqa: N818 - the answer, not a fault
    """A row that is not saved; ``code`` is ours, the simulators translate it."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


@dataclass(slots=True)
class Record:
    """One row with its book-keeping; ``modified`` is what cursors run on."""

    id: str
    number: int
    values: Values
    created: datetime
    modified: datetime
    deleted: datetime | None = None
    merged_into: str | None = None


@dataclass
class Table:
    """One object type: its catalogue, its rules and its rows."""

    name: str
    fields: dict[str, Field]
    new_id: Callable[[int], str]
    clock: Callable[[], datetime]
    rules: list[Rule] = field(default_factory=list)
    rows: dict[str, Record] = field(default_factory=dict)
    locked: set[str] = field(default_factory=set)
    _unique: dict[str, dict[Any, str]] = field(default_factory=dict)
    _count: int = 0

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows.values())

    def live(self) -> Iterator[Record]:
        """Rows that are not deleted."""
        return (row for row in self if row.deleted is None)

    def insert(
        self, values: Mapping[str, Any], at: datetime | None = None, trusted: bool = False, lenient: bool = False
    ) -> Record:
        """Save a new row; raises ``Refused``.

        ``trusted`` fills columns that the API may not write, ``lenient`` passes over validation rules.
        """
        typed = self._typed(values, trusted)
        self._admit(typed, None, lenient)
        moment = at or self.clock()
        self._count += 1
        row = Record(self.new_id(self._count), self._count, dict.fromkeys(self.fields) | typed, moment, moment)
        self.rows[row.id] = row
        self._index(row)
        return row

    def update(
        self,
        key: str,
        values: Mapping[str, Any],
        at: datetime | None = None,
        trusted: bool = False,
        lenient: bool = False,
    ) -> Record:
        """Change a live row; arguments and errors as of ``insert``."""
        row = self.get(key)
        typed = self._typed(values, trusted)
        if row.id in self.locked:
            raise Refused("locked", "unable to obtain exclusive access to this record")
        self._admit(row.values | typed, row, lenient)
        self._unindex(row)
        row.values |= typed
        row.modified = at or self.clock()
        self._index(row)
        return row

    def delete(self, key: str, at: datetime | None = None) -> None:
        """Move a row to the recycle bin; raises ``Refused`` where there is none."""
        row = self.get(key)
        row.deleted = row.modified = at or self.clock()
        self._unindex(row)

    def merge(self, winner: str, loser: str, at: datetime | None = None) -> Record:
        """Join two rows: the loser goes to the bin and points to the winner, which counts as changed."""
        kept, gone = self.get(winner), self.get(loser)
        moment = at or self.clock()
        self.delete(gone.id, moment)
        gone.merged_into = kept.id
        kept.modified = moment
        return kept

    def purge(self, keys: Iterable[str] | None = None) -> None:
        """Empty the recycle bin, as time does."""
        gone = [row.id for row in self if row.deleted is not None] if keys is None else list(keys)
        for key in gone:
            self.rows.pop(key, None)

    def get(self, key: str) -> Record:
        """A live row; raises ``Refused`` for one that never was or is deleted."""
        row = self.rows.get(key)
        if row is None:
            raise Refused("missing", f"no {self.name} {key}")
        if row.deleted is not None:
            raise Refused("deleted", "entity is deleted")
        return row

    def find(self, name: str, value: Any) -> Record | None:
        """The live row with this value in a unique column."""
        key = self._unique.get(name, {}).get(_folded(value))
        return None if key is None else self.rows[key]

    def drop_field(self, name: str) -> None:
        """An administrator deletes a column."""
        del self.fields[name]

    def limit_options(self, name: str, options: Iterable[str]) -> None:
        """An administrator changes the values of a picklist; rows keep what they hold."""
        self.fields[name] = replace(self.fields[name], options=tuple(options))

    def _typed(self, values: Mapping[str, Any], trusted: bool) -> Values:
        found: Values = {}
        for name, value in values.items():
            column = self.fields.get(name)
            if column is None:
                raise Refused("unknown_field", f"no field {name} on {self.name}", name)
            if not column.writable and not trusted:
                raise Refused("read_only", f"field {name} cannot be written", name)
            found[name] = typed(column, value)
        return found

    def check(self, values: Mapping[str, Any], row: Record | None, lenient: bool = False) -> None:
        """Whether values could be saved, without saving them; raises ``Refused``."""
        typed = self._typed(values, trusted=False)
        self._admit(typed if row is None else row.values | typed, row, lenient)

    def _admit(self, values: Mapping[str, Any], row: Record | None, lenient: bool) -> None:
        for column in self.fields.values():
            value = values.get(column.name)
            if column.required and value is None:
                raise Refused("required", f"required field is missing: {column.name}", column.name)
            if column.unique and value is not None:
                other = self.find(column.name, value)
                if other is not None and (row is None or other.id != row.id):
                    raise Refused(
                        "duplicate", f"duplicate value found: {column.name} on record {other.id}", column.name
                    )
        for rule in () if lenient else self.rules:
            if rule.refuses(values):
                raise Refused("rule", rule.message, rule.field)

    def _index(self, row: Record) -> None:
        for name, column in self.fields.items():
            if column.unique and row.values.get(name) is not None:
                self._unique.setdefault(name, {})[_folded(row.values[name])] = row.id

    def _unindex(self, row: Record) -> None:
        for name, known in self._unique.items():
            value = row.values.get(name)
            if value is not None and known.get(_folded(value)) == row.id:
                del known[_folded(value)]


def typed(column: Field, value: Any) -> Any:
    """A wire value as its column holds it; raises ``Refused`` for what the column cannot hold."""
    if value is None or value == "":
        return None
    try:
        found: Any = _READ.get(column.kind, str)(value)
    except (ValueError, InvalidOperation, KeyError, TypeError):
        raise Refused("bad_type", f"{value!r} is no {column.kind}", column.name) from None
    if isinstance(found, str) and len(found) > column.length:
        raise Refused("too_long", f"{column.name}: data value too large (max length={column.length})", column.name)
    if isinstance(found, Decimal) and abs(found) >= Decimal(10) ** column.length:
        raise Refused("out_of_range", f"{column.name}: number outside of range", column.name)
    if column.kind == "picklist" and found not in column.options:
        raise Refused("bad_option", f"{found} is not one of the options of {column.name}", column.name)
    return found


def moment(value: Any) -> datetime:
    """A moment from ISO text (``+0000`` included), epoch milliseconds or a datetime; raises ``ValueError``."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, int) or str(value).isdigit():
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(value: Any) -> Decimal:
    found = Decimal(str(value))
    if not found.is_finite():
        raise ValueError("not finite")
    return found


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else _TRUE[str(value).lower()]


def _date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return date.fromisoformat(str(value)) if len(str(value)) == 10 else moment(value).date()


_READ: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": moment,
}


def _folded(value: Any) -> Any:
    """Unique text is compared without regard to case, as both systems do by default."""
    return value.casefold() if isinstance(value, str) else value
