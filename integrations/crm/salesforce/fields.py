"""Salesforce's field catalogue, and values of rows by it: of JSON answers and of CSV results."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from integrations.crm.salesforce.session import Session
from integrations.sources import FieldInfo, FieldType, SourceError, Value

TYPES: Mapping[str, FieldType] = {
    "int": "integer",
    "double": "decimal",
    "currency": "decimal",
    "percent": "decimal",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "picklist": "choice",
    "reference": "reference",
    "multipicklist": "text",
    "string": "text",
    "textarea": "text",
    "email": "text",
    "phone": "text",
    "url": "text",
    "id": "text",
    "combobox": "text",
    "encryptedstring": "text",
}
NULL = "#N/A"


class Catalogue:
    """Descriptions of objects, each fetched once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, list[dict[str, Any]]] = {}

    def fields(self, object_name: str) -> dict[str, FieldInfo]:
        """Fields of an object by name; raises ``SourceError``."""
        return {field["name"]: _info(field) for field in self._described(object_name)}

    def has(self, object_name: str, name: str) -> bool:
        """Whether the object has the field."""
        return any(field["name"] == name for field in self._described(object_name))

    def external_id(self, object_name: str, name: str) -> bool:
        """Whether the field finds at most one record."""
        found = next((field for field in self._described(object_name) if field["name"] == name), {})
        return name == "Id" or bool(found.get("idLookup") or found.get("unique"))

    def path(self, object_name: str, path: str) -> FieldInfo:
        """The field at ``Amount`` or ``Owner.Email``.

        Raises:
            SourceError: there is none, or the integration user may not see it.
        """
        head, _, rest = path.partition(".")
        for field in self._described(object_name):
            if rest and field.get("relationshipName") == head:
                targets = field.get("referenceTo") or []
                return self.path("User" if "User" in targets else targets[0], rest)
            if not rest and field["name"] == head:
                return _info(field)
        raise self._session.failed("INVALID_FIELD", f"{object_name} has no field {path}")

    def _described(self, object_name: str) -> list[dict[str, Any]]:
        if object_name not in self._known:
            try:
                reply = self._session.read("GET", f"/sobjects/{object_name}/describe")
            except SourceError as error:
                if "NOT_FOUND" in str(error) or "INVALID_TYPE" in str(error):
                    raise self._session.failed("INVALID_TYPE", f"there is no object {object_name}") from None
                raise
            self._known[object_name] = list((reply.json() or {}).get("fields") or [])
        return self._known[object_name]


def from_json(row: Mapping[str, Any], path: str, info: FieldInfo) -> Value:
    """The value at a path of a REST row; raises ``ValueError`` for one that is not of the field's type."""
    found: Any = row
    for part in path.split("."):
        found = None if found is None else found.get(part)
    return typed(info, found)


def typed(info: FieldInfo, value: Any) -> Value:
    """A value as JSON or CSV has it, in the field's type; nothing is None. Raises ``ValueError``."""
    if value is None or value == "":
        return None
    try:
        match info.type:
            case "decimal":
                return Decimal(str(value))
            case "integer":
                return int(Decimal(str(value)))
            case "boolean":
                return value if isinstance(value, bool) else str(value).lower() == "true"
            case "date":
                return date.fromisoformat(str(value)[:10])
            case "datetime":
                return moment(str(value))
    except InvalidOperation:
        raise ValueError(f"{info.name} is no number") from None
    return str(value)


def moment(text: str) -> datetime:
    """REST writes +0000, Bulk writes Z."""
    return datetime.fromisoformat(text).astimezone(UTC)


def long_id(text: str) -> str:
    """The id of 18 characters for one of 15, whose letters' case counts; anything else as it is."""
    if len(text) != 15:
        return text
    groups = (text[at : at + 5] for at in (0, 5, 10))
    capitals = (sum(1 << at for at, letter in enumerate(group) if "A" <= letter <= "Z") for group in groups)
    return text + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits] for bits in capitals)


def literal(value: datetime | str) -> str:
    """A value in a SOQL condition."""
    if isinstance(value, datetime):
        at = value.astimezone(UTC)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def cell(value: Any) -> str:
    """A value in an upload: an empty cell would leave the field as it is."""
    if value is None or value == "":
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _info(field: Mapping[str, Any]) -> FieldInfo:
    kind = str(field.get("type"))
    choices = None
    if kind == "picklist" and field.get("restrictedPicklist"):
        choices = frozenset(item["value"] for item in field.get("picklistValues") or [] if item.get("active", True))
    whole = kind == "double" and field.get("scale") == 0
    return FieldInfo(
        name=str(field["name"]),
        type="integer" if whole else TYPES.get(kind, "other"),
        writable=bool(field.get("updateable")),
        choices=choices,
        max_length=int(field.get("length") or 0) or None,
        precision=int(field.get("precision") or 0) or None,
    )
