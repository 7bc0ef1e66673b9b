"""HubSpot's catalogue of properties, and values by it: everything is text on the wire."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from integrations.crm.hubspot.portal import Portal
from integrations.sources import FieldInfo, FieldType, Value

TYPES: Mapping[str, FieldType] = {
    "string": "text",
    "number": "decimal",
    "date": "date",
    "datetime": "datetime",
    "enumeration": "choice",
    "bool": "boolean",
    "phone_number": "text",
}
OWNER, OWNER_EMAIL = "hubspot_owner_id", "owner.email"
MERGED = "hs_merged_object_ids"


class Catalogue:
    """Properties of object types, each type fetched once."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._known: dict[str, list[dict[str, Any]]] = {}

    def fields(self, kind: str) -> dict[str, FieldInfo]:
        """Properties of an object type by name, ``owner.email`` among them where it may be asked for."""
        found = {row["name"]: _info(row) for row in self._rows(kind)}
        if OWNER in found and self._portal.options.owners_email:
            found[OWNER_EMAIL] = FieldInfo(OWNER_EMAIL, "text", writable=False)
        return found

    def unique(self, kind: str, name: str) -> bool:
        """Whether a property finds at most one record. Contacts' ``email`` does without saying so."""
        if name in ("hs_object_id", "id") or (kind in ("contacts", "0-1") and name == "email"):
            return True
        return any(row["name"] == name and row.get("hasUniqueValue") for row in self._rows(kind))

    def changed(self, kind: str) -> str:
        """The property that tells the last change: contacts have another than everything else."""
        names = {row["name"] for row in self._rows(kind)}
        return "hs_lastmodifieddate" if "hs_lastmodifieddate" in names else "lastmodifieddate"

    def info(self, kind: str, name: str) -> FieldInfo:
        """One property.

        Raises:
            SourceError: there is none, or it may not be asked for.
        """
        found = self.fields(kind).get(name)
        if found is not None:
            return found
        if name == OWNER_EMAIL:
            error = self._portal.failed("owner.email", "owners' addresses may not be asked for")
            error.remedy = "Set options.owners_email: true where your agreement with the workforce allows it"
            raise error
        raise self._portal.failed("PROPERTY_DOESNT_EXIST", f"{kind} has no property {name}")

    def _rows(self, kind: str) -> list[dict[str, Any]]:
        if kind not in self._known:
            body, _ = self._portal.read("GET", self._portal.path("properties", kind))
            self._known[kind] = list(body.get("results") or [])
        return self._known[kind]


def typed(info: FieldInfo, value: str | None) -> Value:
    """A property's text in its type; nothing is None. Raises ``ValueError``."""
    if value is None or value == "":
        return None
    try:
        match info.type:
            case "decimal":
                return Decimal(value)
            case "boolean":
                return value.lower() == "true"
            case "date":
                return moment(value).date() if value.isdigit() else date.fromisoformat(value[:10])
            case "datetime":
                return moment(value)
    except InvalidOperation:
        raise ValueError(f"{info.name} is no number") from None
    return value


def moment(text: str) -> datetime:
    """ISO text or epoch milliseconds."""
    if text.isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    return datetime.fromisoformat(text).astimezone(UTC)


def milliseconds(at: datetime) -> int:
    """As filters take it."""
    return round(at.timestamp() * 1000)


def wire(value: Any) -> str:
    """A value as a write has it; the empty text clears a property."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _info(row: Mapping[str, Any]) -> FieldInfo:
    kind = TYPES.get(str(row.get("type")), "other")
    fixed = (row.get("modificationMetadata") or {}).get("readOnlyValue") or row.get("calculated")
    choices = None
    if kind == "choice" and not row.get("externalOptions"):
        choices = frozenset(option["value"] for option in row.get("options") or [])
    return FieldInfo(str(row["name"]), kind, writable=not fixed, choices=choices)
