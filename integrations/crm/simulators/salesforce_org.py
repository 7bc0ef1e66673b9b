"""State of a simulated Salesforce organisation: objects, who may call, what was used; and how it looks on the wire."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from integrations.crm.salesforce.fields import long_id
from integrations.crm.simulators.faults import Faults
from integrations.crm.simulators.salesforce_catalogue import PREFIXES, catalogue
from integrations.crm.simulators.store import Field, Record, Refused, Table

_CODES = {
    "bad_type": "INVALID_TYPE_ON_FIELD_IN_RECORD",
    "too_long": "STRING_TOO_LONG",
    "out_of_range": "NUMBER_OUTSIDE_VALID_RANGE",
    "bad_option": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "unknown_field": "INVALID_FIELD",
    "read_only": "INVALID_FIELD_FOR_INSERT_UPDATE",
    "required": "REQUIRED_FIELD_MISSING",
    "duplicate": "DUPLICATE_VALUE",
    "rule": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "missing": "INVALID_CROSS_REFERENCE_KEY",
    "deleted": "ENTITY_IS_DELETED",
    "locked": "UNABLE_TO_LOCK_ROW",
    "id_missing": "MISSING_ARGUMENT",
    "two_rows": "DUPLICATE_EXTERNAL_ID",
}
SYSTEM: dict[str, Callable[[Record], Any]] = {
    "Id": lambda row: row.id,
    "CreatedDate": lambda row: row.created,
    "LastModifiedDate": lambda row: row.modified,
    "SystemModstamp": lambda row: row.modified,
    "IsDeleted": lambda row: row.deleted is not None,
    "MasterRecordId": lambda row: row.merged_into,
}


@dataclass
class Client:
    """An external client app: its consumer key, and what proves it."""

    key: str
    secret: str | None = None
    certificate: str | None = None
    usernames: frozenset[str] = frozenset()
    run_as: str | None = None


@dataclass
class Org:
    """An organisation in memory.

    Args:
        clock: what time it is there; its moments are cut to seconds, as SystemModstamp is.
        my_domain: the audience that a JWT must name, beside login.salesforce.com.
    """

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    my_domain: str = "https://acme.my.salesforce.com"
    api_limit: int = 15_000
    batch_rows: int = 2_000
    bulk_polls: int = 1
    bulk_stops_after: int | None = None
    bulk_page_rows: int = 50_000
    tables: dict[str, Table] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    revoked: bool = False
    scopes: frozenset[str] = frozenset({"api"})
    api_used: int = 0
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        if not self.tables:
            self.tables = {
                name: Table(name, fields, lambda number, kind=name: record_id(PREFIXES[kind], number), self.now)
                for name, fields in catalogue().items()
            }

    def now(self) -> datetime:
        """The organisation's time, in whole seconds."""
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def sign_in(self) -> str:
        """A new access token."""
        token = f"00D000000000001!{secrets.token_urlsafe(24)}"
        self.tokens.add(token)
        return token

    def expire_tokens(self) -> None:
        """Sessions end; signing in again helps."""
        self.tokens.clear()

    def find(self, table: Table, name: str, text: Any) -> Record | None:
        """The row that an external id names."""
        return table.rows.get(long_id(str(text))) if name == "Id" else table.find(name, text)

    def value(self, table: Table, row: Record, path: str) -> Any:
        """The value at a field or at a field of the owner; raises ``Refused`` for an unknown one."""
        head, _, rest = path.partition(".")
        if rest:
            column = f"{head}Id"
            if column not in table.fields or table.fields[column].kind != "reference":
                raise unknown(table, path)
            other = self.tables["User"]
            target = other.rows.get(row.values.get(column) or "")
            if rest not in other.fields:
                raise unknown(other, rest)
            return None if target is None else self.value(other, target, rest)
        if head not in table.fields:
            raise unknown(table, head)
        return SYSTEM[head](row) if head in SYSTEM else row.values.get(head)


class View(Mapping[str, Any]):
    """A row as a query sees it: system fields and fields of the owner included."""

    def __init__(self, org: Org, table: Table, row: Record) -> None:
        self.org, self.table, self.row = org, table, row

    def __getitem__(self, path: str) -> Any:
        return self.org.value(self.table, self.row, path)

    def __iter__(self) -> Any:
        return iter(self.table.fields)

    def __len__(self) -> int:
        return len(self.table.fields)


def record_id(prefix: str, number: int) -> str:
    """An id of 18 characters: 15 that tell rows apart, three that make them safe where case is lost."""
    return long_id(f"{prefix}000{number:09d}")


def unknown(table: Table, name: str) -> Refused:
    """What a query of a field that is not there is answered."""
    return Refused("unknown_field", f"No such column '{name}' on entity '{table.name}'.", name)


def code(refused: Refused) -> str:
    """Salesforce's name of a refusal."""
    return _CODES[refused.code]


def bulk_error(refused: Refused) -> str:
    """A refusal as the ``sf__Error`` column has it."""
    return f"{code(refused)}:{refused.message}:{refused.field or ''}--"


def json_value(column: Field, value: Any) -> Any:
    """A value as REST answers show it: numbers are JSON numbers, moments end in +0000."""
    if isinstance(value, Decimal):
        return int(value) if column.scale == 0 else float(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return value.isoformat() if isinstance(value, date) else value


def csv_value(value: Any) -> str:
    """A value as a bulk result shows it: nothing is an empty cell, moments end in Z."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return value.isoformat() if isinstance(value, date) else str(value)
