"""Writing many rows in one statement, and reading many keys in few."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from governance.state.base import Base

T = TypeVar("T")
CHUNK = 2_000  # keys in one IN list: few round trips, yet far below any parameter limit


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of at most ``size``."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def upsert(
    session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], *, replace: Iterable[str] | None = None
) -> None:
    """Insert rows; where the primary key exists, replace the named columns (default: all the others)."""
    if not rows:
        return
    table, statement = _insert(session, model)
    keys = [column.name for column in table.primary_key]
    columns = [column.name for column in table.columns if column.name not in keys] if replace is None else replace
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=keys, set_={name: statement.excluded[name] for name in columns}),
        list(rows),
    )


def add_up(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], counter: str) -> None:
    """Insert rows; where the primary key exists, add ``counter`` to what is stored."""
    if not rows:
        return
    table, statement = _insert(session, model)
    keys = [column.name for column in table.primary_key]
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=keys, set_={counter: table.c[counter] + statement.excluded[counter]}
        ),
        list(rows),
    )


def insert_missing(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows whose primary key does not exist; leave the others alone."""
    if rows:
        _, statement = _insert(session, model)
        session.connection().execute(statement.on_conflict_do_nothing(), list(rows))


def _insert(session: Session, model: type[Base]) -> tuple[Table, Any]:
    table = model.metadata.tables[model.__tablename__]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return table, dialect.insert(table)
