"""A source read to its end."""

from typing import Any

from integrations.sources import Query, Record, Source


def read_all(source: Source, query: Query, cursor: str | None = None) -> tuple[dict[str, Record], str | None, int]:
    """The newest version of each record, the last cursor, and how many records were given."""
    found: dict[str, Record] = {}
    count = 0
    for page in source.read(query, cursor):
        assert not page.unreadable
        count += len(page.records)
        found |= {record.id: record for record in page.records}
        cursor = page.cursor or cursor
    return found, cursor, count


def alive(found: dict[str, Record], name: str) -> dict[str, Any]:
    """One field of every record that is not deleted."""
    return {record.id: record.fields[name] for record in found.values() if not record.deleted}
