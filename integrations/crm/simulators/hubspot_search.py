"""Searches of the simulated HubSpot: groups of filters, sorting, pages by offset up to the ceiling."""

import operator
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from integrations.crm.simulators.hubspot_portal import Portal
from integrations.crm.simulators.store import Record, Refused, Table, typed

PAGE_ROWS = 200
GROUPS, FILTERS = 5, 6
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq,
    "NEQ": operator.ne,
    "LT": operator.lt,
    "LTE": operator.le,
    "GT": operator.gt,
    "GTE": operator.ge,
}
Row = dict[str, Any]


def search(portal: Portal, table: Table, body: Row) -> tuple[list[Record], int, int]:
    """All matches in their order, where the page starts and how long it is; raises ``Refused``.

    Pages are offsets into what matches at the moment of the call: they shift when records change in between.
    """
    limit, after = int(body.get("limit") or 10), int(body.get("after") or 0)
    if limit > PAGE_ROWS:
        raise Refused("limit", f"limit must be at most {PAGE_ROWS}")
    if after + limit > portal.search_ceiling:
        raise Refused("ceiling", f"paging beyond {portal.search_ceiling} results is not possible")
    groups = body.get("filterGroups") or []
    if len(groups) > GROUPS or any(len(group.get("filters", [])) > FILTERS for group in groups):
        raise Refused("filters", f"at most {GROUPS} filterGroups of {FILTERS} filters")
    indexed = portal.now() - timedelta(seconds=portal.index_lag_s)
    rows = [row for row in table.live() if row.modified <= indexed]
    rows = [row for row in rows if not groups or any(_all(portal, table, row, group) for group in groups)]
    return _sorted(portal, table, rows, body.get("sorts") or []), after, limit


def _all(portal: Portal, table: Table, row: Record, group: Row) -> bool:
    return all(_one(portal, table, row, item) for item in group.get("filters", []))


def _one(portal: Portal, table: Table, row: Record, item: Row) -> bool:
    name, sign = item.get("propertyName", ""), item.get("operator", "")
    if name not in table.fields:
        raise Refused("unknown_field", f'Property "{name}" does not exist', name)
    value = portal.value(table, row, name)
    if sign in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return (value is not None) is (sign == "HAS_PROPERTY")
    column = table.fields[name]
    if sign in ("IN", "NOT_IN"):
        return (_key(value) in {_key(typed(column, text)) for text in item.get("values", [])}) is (sign == "IN")
    wanted = typed(column, item.get("value"))
    if sign == "BETWEEN":
        high = typed(column, item.get("highValue"))
        return value is not None and wanted <= value <= high
    if sign not in _COMPARE:
        raise Refused("operator", f"operator {sign} is not known")
    return value is not None and _COMPARE[sign](_key(value), _key(wanted))


def _sorted(portal: Portal, table: Table, rows: list[Record], sorts: list[Any]) -> list[Record]:
    """Ordered by one property as HubSpot allows; ties in no promised order, here by falling age."""
    found = sorted(rows, key=lambda row: -row.number)
    for sort in sorts[:1]:
        given = sort if isinstance(sort, dict) else {"propertyName": str(sort).lstrip("-"), "direction": str(sort)}
        name, direction = given["propertyName"], str(given.get("direction", ""))
        if name not in table.fields:
            raise Refused("unknown_field", f'Property "{name}" does not exist', name)
        down = direction.startswith("-") or direction.upper() == "DESCENDING"
        found.sort(key=lambda row: _rank(portal.value(table, row, name)), reverse=down)
    return found


def _rank(value: Any) -> tuple[bool, Any]:
    return (value is not None, 0 if value is None else value)


def _key(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    return value if isinstance(value, (Decimal, date, datetime, bool)) or value is None else str(value)
