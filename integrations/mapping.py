"""What a partner's rows mean: the mapping of one entity, and one typed fact per record.

The mapping is configuration. It is the allow-list as well: a field that it does not name is not even asked for, and
one that names a person is used to find the learner and never lands.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from governance.names import PRINTABLE, Tenant
from integrations.engine.times import TimeProblemError, parse
from integrations.sources import Query, Record, Value

Role = Literal["deal", "csat", "csat_window", "event", "people"]
Match = Literal["learner_id", "email", "account"]
Clue = Literal[Match, "mbox_sha1sum"]  # a hash finds a learner, but addresses nobody
Path = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=PRINTABLE)]

LARGEST_VALUE = Decimal(10) ** 14
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
PERSONAL = re.compile(r"name|e-?mail|phone|mobile|address|birth|contact", re.IGNORECASE)
KINDS = ("deal_won", "deal_lost", "csat", "ramp_days", "lms_grade", "lms_completion", "certification", "retention")
KNOWN_KIND = re.compile(rf"{'|'.join(KINDS)}|x-.+")
# ours: (required, optional); a required one may be a constant instead of a field
FIELDS: dict[Role, tuple[frozenset[str], frozenset[str]]] = {
    "deal": (frozenset({"stage"}), frozenset({"amount", "currency", "opened_at", "closed_at"})),
    "csat": (frozenset({"rating", "answered_at"}), frozenset({"scale", "opened_at"})),
    "csat_window": (frozenset({"sum", "count", "from", "to"}), frozenset({"scale"})),
    "event": (frozenset({"kind", "occurred_at"}), frozenset({"value", "unit", "exposure_from"})),
    "people": (
        frozenset({"learner_id"}),
        frozenset({"name", "email", "region", "jurisdiction", "role", "manager_id", "hire_date", "left_on"}),
    ),
}
# what each role calls the columns that every fact has
VALUE = {"deal": "amount", "csat": "rating", "csat_window": "sum", "event": "value"}
UNIT = {"deal": "currency", "csat": "scale", "csat_window": "scale", "event": "unit"}
OCCURRED = {"deal": "closed_at", "csat": "answered_at", "csat_window": "to", "event": "occurred_at"}
OPENED = {"deal": "opened_at", "csat": "opened_at", "csat_window": "from", "event": "exposure_from"}


class Ramp(BaseModel):
    """Time from the hire date to the first success: a won deal, or an event of kind ``until``.

    ``roles`` limits it to learners of these directory roles; without, whoever has an account at the connector counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    until: str = "deal_won"
    roles: tuple[str, ...] = ()


class Retention(BaseModel):
    """Whether somebody still worked here so many days after the hire date."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: tuple[Annotated[int, Field(ge=1, le=3650)], ...] = (90, 365)


class PersonRule(BaseModel):
    """A field that says whose record it is. Rules are tried in order; the first that finds a learner counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: Path
    match: Clue = "account"


class Entity(BaseModel):
    """One object of the partner and what its rows are to us.

    ``fields`` and ``attributes`` map our names to the partner's; ``constants`` give what no field holds, such as the
    one currency. ``stages`` says what each stage of a deal means; a stage that is missing counts as open and is
    reported.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    object: Path
    role: Role = Field(alias="as")
    id: Path = "id"
    modified_at: Path | None = None
    where: Any = None
    options: dict[str, Any] = {}
    fields: dict[str, Path]
    constants: dict[str, str] = {}
    attributes: dict[str, Path] = {}
    people: tuple[PersonRule, ...] = ()
    stages: dict[str, Literal["won", "lost", "open"]] = {}

    @model_validator(mode="after")
    def _whole(self) -> "Entity":
        required, optional = FIELDS[self.role]
        given = self.fields.keys() | self.constants.keys()
        for name in sorted(given - required - optional):
            raise ValueError(f"{name}: as: {self.role} has no such field; it takes {_listed(required | optional)}")
        for name in sorted(required - given):
            raise ValueError(f"{name}: is missing under fields, as: {self.role} needs it")
        for name in sorted(name for name in self.attributes if PERSONAL.search(name)):
            raise ValueError(f"attributes.{name}: names or reaches a person; such fields may stand under people alone")
        if self.role != "people" and not self.people:
            raise ValueError("people: name at least one field that says whose record it is")
        if "amount" in given and "currency" not in given:
            raise ValueError("currency: is missing; an amount without one is no outcome (a constant will do)")
        if self.role == "deal" and not self.stages:
            raise ValueError("stages: say which stage means won and which lost")
        kind = self.constants.get("kind")
        if kind is not None and not KNOWN_KIND.fullmatch(kind):
            raise ValueError(f"constants.kind: {kind} is none of {', '.join(KINDS)} and does not start with x-")
        return self

    def query(self) -> Query:
        """What a source is asked for: the named fields and no other."""
        rules = (rule.field for rule in self.people)
        wanted = dict.fromkeys((*self.fields.values(), *self.attributes.values(), *rules))
        return Query(self.object, tuple(wanted), self.id, self.modified_at, self.where, self.options)


class Feed(BaseModel):
    """What one connector's rows are to one tenant: the partner-neutral part of a connector's file."""

    model_config = ConfigDict(frozen=True)

    name: str
    tenant: Tenant
    read: dict[str, Entity] = {}
    ramp: Ramp | None = None
    retention: Retention | None = None
    deleted_cap: Annotated[float, Field(gt=0, le=1)] = 0.5


@dataclass(frozen=True, slots=True)
class Naming:
    """A value that names the person of a record, by the rule that found it."""

    rule: str
    match: Clue
    value: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One record in our terms; a deleted one has only its identity."""

    record_id: str
    modified_at: datetime | None
    deleted: bool = False
    kind: str | None = None
    stage: str | None = None
    value: Decimal | None = None
    unit: str | None = None
    count: int | None = None
    opened_at: datetime | None = None
    occurred_at: datetime | None = None
    people: tuple[Naming, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)


class MappingError(ValueError):
    """A record that cannot be taken: ``rule`` names what it broke, the text says how to mend it."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


def fact(entity: Entity, record: Record) -> Fact:
    """The record in our terms.

    Raises:
        MappingError: a value is not what its field must hold.
    """
    if record.deleted:
        return Fact(record.id, record.modified_at, deleted=True)
    given = {ours: record.fields.get(theirs) for ours, theirs in entity.fields.items()} | entity.constants
    role = entity.role
    return Fact(
        record_id=record.id,
        modified_at=record.modified_at,
        kind=_kind(given, role),
        stage=_text(given.get("stage")),
        value=number(given, VALUE[role]),
        unit=_text(given.get(UNIT[role])),
        count=_count(given) if role == "csat_window" else None,
        opened_at=moment(given, OPENED[role]),
        occurred_at=moment(given, OCCURRED[role], required=role != "deal"),
        people=tuple(_namings(entity, record)),
        attributes={name: record.fields.get(path) for name, path in entity.attributes.items()},
    )


def directory_entry(entity: Entity, record: Record, tenant: str, connector: str) -> dict[str, Any]:
    """The fields of a ``DirectoryEntry``, with the record's id as the person's account at this connector."""
    given = {ours: _text(record.fields.get(theirs)) for ours, theirs in entity.fields.items()} | entity.constants
    if not given.get("learner_id"):
        raise MappingError("learner_named", f"{entity.fields.get('learner_id')} is empty; the person has no learner id")
    return {**given, "tenant": tenant, "accounts": {connector: record.id}}


def number(given: Mapping[str, Value], name: str) -> Decimal | None:
    """A decimal with four places; None where there is none, which is not 0."""
    value = given.get(name)
    if value is None or value == "":
        return None
    try:
        found = None if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite() or abs(found) >= LARGEST_VALUE:
        raise MappingError(f"{name}_is_number", f"{name} is not a number below 10^14; mend it at the source")
    return found.quantize(Decimal("0.0001"))


def moment(given: Mapping[str, Value], name: str, *, required: bool = False) -> datetime | None:
    """A time in UTC; a date counts from its first moment in UTC, since its sender's zone is unknown."""
    value = given.get(name)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(0), UTC)
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()):
        value = f"{value.strip()}T00:00:00Z"
    try:
        found = parse(value.isoformat() if isinstance(value, datetime) else value)
    except TimeProblemError as problem:
        raise MappingError(f"{name}_{problem.rule}", f"{name}: {problem}") from problem
    if found is None and required:
        raise MappingError(f"{name}_present", f"{name} is missing; without it the record belongs to no day")
    return found


def _kind(given: Mapping[str, Value], role: Role) -> str | None:
    if role != "event":
        return None
    kind = _text(given.get("kind"))
    if kind is None or not KNOWN_KIND.fullmatch(kind):
        raise MappingError("kind_known", "kind is neither a known outcome nor starts with x-")
    return kind


def _count(given: Mapping[str, Value]) -> int:
    found = number(given, "count")
    if found is None or found < 0 or found != int(found):
        raise MappingError("count_is_number", "count is not a whole number; mend it at the source")
    return int(found)


def _namings(entity: Entity, record: Record) -> Iterator[Naming]:
    for rule in entity.people:
        value = record.fields.get(rule.field)
        several: Sequence[Any] = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        for each in several:
            text = _text(each)
            if text is not None:
                yield Naming(f"{rule.field}:{rule.match}", rule.match, text)


def _text(value: Value) -> str | None:
    if value is None or (isinstance(value, Sequence) and not isinstance(value, str)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):  # a datetime is a date as well
        return value.isoformat()
    return str(value).strip() or None


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
