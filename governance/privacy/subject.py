"""What the state database holds about a person, for the person's own eyes (GDPR Article 15)."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, func, select

from governance.privacy.reach import PLACES, TABLES, Subject, about
from governance.state import State

# Columns that say nothing about the person: keys of proofs, and digests of secrets.
OMITTED: Mapping[str, frozenset[str]] = {
    "audit_events": frozenset({"salt", "commitment", "prev_hash", "once"}),
    "claim_codes": frozenset({"digest"}),
    "launches": frozenset({"change"}),
}
JSON_TEXTS = ("body", "dropped", "payload")


def rows_of(state: State, subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Rows about the subject by table, each table in the order of its primary key; tables without any are there too."""
    found: dict[str, list[dict[str, Any]]] = {}
    with state.reading() as session:
        for name in PLACES:
            table = TABLES[name]
            shown = [column for column in table.c if column.name not in OMITTED.get(name, frozenset())]
            query = select(*shown).where(about(session, name, subject)).order_by(*table.primary_key)
            found[name] = [_shown(row) for row in session.execute(query)]
    return found


def _shown(row: Row[Any]) -> dict[str, Any]:
    values = dict(row._mapping)
    return values | {name: json.loads(values[name]) for name in JSON_TEXTS if values.get(name)}


def held_elsewhere(state: State, subject: Subject) -> dict[str, int]:
    """How many records about the subject each other system has confirmed, by target."""
    table = TABLES["sync_records"]
    with state.reading() as session:
        query = select(table.c.target, func.count()).where(about(session, table.name, subject))
        found = session.execute(query.group_by(table.c.target).order_by(table.c.target)).tuples()
        return dict(found.all())
