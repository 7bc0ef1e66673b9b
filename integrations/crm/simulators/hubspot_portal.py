"""State of a simulated HubSpot portal: records, owners, who may call, what was used; and how it looks on the wire."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from integrations.crm.simulators.faults import Answer, Faults, answer
from integrations.crm.simulators.hubspot_catalogue import SHOWN, TYPE_IDS, catalogue, modified_property
from integrations.crm.simulators.store import Record, Refused, Table

FIRST_ID = 1_000
WINDOW_S = 10
_DETAILS = {
    "unknown_field": "PROPERTY_DOESNT_EXIST",
    "bad_type": "INVALID_VALUE",
    "too_long": "VALUE_TOO_LONG",
    "out_of_range": "VALUE_TOO_LARGE",
    "bad_option": "INVALID_OPTION",
    "read_only": "READ_ONLY_VALUE",
    "required": "REQUIRED_FIELD",
    "rule": "PROPERTY_VALIDATION_RULE",
}
_SCOPED = ("contacts", "deals", "feedback_submissions")
SCOPES = frozenset(
    {"crm.objects.owners.read", "tickets"}
    | {f"crm.objects.{kind}.{verb}" for kind in _SCOPED for verb in ("read", "write")}
    | {f"crm.schemas.{kind}.read" for kind in _SCOPED}
)
Row = dict[str, Any]


@dataclass(frozen=True)
class Owner:
    """A user of the portal who may own records."""

    id: str
    email: str
    first_name: str
    last_name: str
    archived: bool = False


@dataclass
class Portal:
    """A portal in memory.

    Args:
        clock: what time it is there; moments are cut to milliseconds.
        versions: the dated API versions it serves; ``v3`` and ``v4`` are served as well.
        burst: calls that are allowed in ten seconds.
        index_lag_s: for so long a changed record is missing from searches.
        multi_status: whether a batch in which every input carries ``objectWriteTraceId`` is answered record by record.
    """

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    versions: tuple[str, ...] = ("2026-03", "2026-09")
    burst: int = 100_000
    daily: int = 1_000_000
    search_ceiling: int = 10_000
    index_lag_s: float = 0.0
    multi_status: bool = True
    tables: dict[str, Table] = field(default_factory=dict)
    owners: list[Owner] = field(default_factory=list)
    tokens: dict[str, frozenset[str]] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    links: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=dict)
    used: int = 0
    faults: Faults = field(default_factory=Faults)
    _window: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if not self.tables:
            self.tables = {
                name: Table(name, fields, lambda number: str(FIRST_ID + number), self.now)
                for name, fields in catalogue().items()
            }

    def now(self) -> datetime:
        """The portal's time, in whole milliseconds."""
        at = self.clock().astimezone(UTC)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def service_key(self, scopes: Iterable[str] = SCOPES) -> str:
        """A new bearer token."""
        token = f"pat-eu1-{secrets.token_hex(16)}"
        self.tokens[token] = frozenset(scopes)
        return token

    def table(self, kind: str) -> Table:
        """An object type by its name or type id; raises ``Refused``."""
        found = self.tables.get(TYPE_IDS.get(kind, kind))
        if found is None:
            raise Refused("no_type", f"Unable to infer object type from: {kind}")
        return found

    def spend(self) -> int | None:
        """Count a call; calls left in this window, or None where it is refused."""
        window = int(self.now().timestamp()) // WINDOW_S
        count = self._window[1] if self._window[0] == window else 0
        if count >= self.burst:
            return None
        self._window = (window, count + 1)
        self.used += 1
        return self.burst - count - 1

    def value(self, table: Table, row: Record, name: str) -> Any:
        """A property, system properties included."""
        if name == "hs_object_id":
            return Decimal(row.id)
        if name == modified_property(table.name):
            return row.modified
        if name in ("createdate", "hs_createdate"):
            return row.created
        return row.values.get(name)

    def find(self, table: Table, name: str | None, text: Any) -> Record | None:
        """The live record that an id or a unique property names; a merged id leads to its winner."""
        if name not in (None, "", "hs_object_id"):
            return table.find(str(name), text)
        row = table.rows.get(str(text))
        while row is not None and row.merged_into is not None:
            row = table.rows.get(row.merged_into)
        return None if row is None or row.deleted is not None else row

    def merge(self, kind: str, winner: str, loser: str) -> Record:
        """Join two records; the winner names the ids it has taken over."""
        table = self.table(kind)
        row = table.merge(winner, loser)
        row.values["hs_merged_object_ids"] = ";".join(filter(None, (row.values["hs_merged_object_ids"], loser)))
        return row

    def shown(self, table: Table, row: Record, names: Iterable[str] | None = None) -> Row:
        """A record as answers show it: every property is text or null."""
        system = ("hs_object_id", next(iter(set(table.fields) & {"createdate", "hs_createdate"})))
        wanted = [*system, modified_property(table.name), *(names or SHOWN.get(table.name, ()))]
        body: Row = {
            "id": row.id,
            "properties": {name: text(self.value(table, row, name)) for name in wanted if name in table.fields},
            "createdAt": text(row.created),
            "updatedAt": text(row.modified),
            "archived": row.deleted is not None,
        }
        return body | ({"archivedAt": text(row.deleted)} if row.deleted is not None else {})


def text(value: Any) -> str | None:
    """A value as HubSpot writes it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    return value.isoformat() if isinstance(value, date) else str(value)


def problem(category: str, message: str, **more: Any) -> Row:
    """An error body."""
    return {"status": "error", "message": message, "correlationId": secrets.token_hex(8), "category": category, **more}


def refusal(refused: Refused, context: Mapping[str, list[str]] | None = None) -> Row:
    """A refused record as the body of a 400, or as one of a 207's errors when ``context`` says which."""
    categories = {"missing": "OBJECT_NOT_FOUND", "deleted": "OBJECT_NOT_FOUND", "duplicate": "CONFLICT"}
    category = categories.get(refused.code, "VALIDATION_ERROR")
    detail: Row = {"message": refused.message, "code": _DETAILS.get(refused.code, refused.code.upper())}
    if refused.field:
        detail["context"] = {"propertyName": [refused.field]}
    body = problem(category, refused.message, errors=[detail], links={})
    return body | {"context": dict(context or {})}


def too_many(policy: str = "TEN_SECONDLY_ROLLING", retry_after: int | None = 1) -> Answer:
    """The answer to a call too many; ``DAILY`` and ``SECONDLY`` are the other policies."""
    body = {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": secrets.token_hex(8),
        "policyName": policy,
    }
    headers = {
        "x-hubspot-ratelimit-max": "190",
        "x-hubspot-ratelimit-remaining": "0",
        "x-hubspot-ratelimit-interval-milliseconds": "10000",
    }
    return answer(429, body, headers | ({} if retry_after is None else {"retry-after": str(retry_after)}))
