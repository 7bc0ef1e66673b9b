"""Writing many rows in one statement, and reading the rows of many keys in one."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Table, Text, cast, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from governance.state.base import Base

T = TypeVar("T")
CHUNK = 2_000  # keys in one IN list: few round trips, yet far below any parameter limit
BULK = 5_000  # rows from which on the planner is led astray by statistics from before


def among(session: Session, column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a text column has one of the values: any number of them, as one parameter.

    A plain IN list of thousands lets PostgreSQL, while it has no statistics of a table just filled, compare
    every row with every value: 100,000 launches took four minutes.
    """
    dialect = session.get_bind().dialect.name
    return among_named(dialect, column, literal(packed(dialect, values), _packing(dialect)))


def among_named(dialect: str, column: ColumnElement[str], values: ColumnElement[Any]) -> ColumnElement[bool]:
    """``among`` for a statement that is made once; the parameter takes what ``packed`` returns."""
    if dialect == "postgresql":
        return column.in_(select(func.unnest(cast(values, ARRAY(Text)))))
    return column.in_(select(func.json_each(values).table_valued("value").c.value))


def packed(dialect: str, values: Iterable[str]) -> Any:
    """Texts as the one parameter that ``among_named`` takes: an array, or JSON on SQLite."""
    wanted = list(dict.fromkeys(values))
    return wanted if dialect == "postgresql" else json.dumps(wanted)


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
    _refresh_statistics(session, table, len(rows))


def add_up(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]], *counters: str) -> None:
    """Insert rows; where the primary key exists, add the counters to what is stored."""
    if not rows:
        return
    table, statement = _insert(session, model)
    keys = [column.name for column in table.primary_key]
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=keys, set_={name: table.c[name] + statement.excluded[name] for name in counters}
        ),
        list(rows),
    )


def insert_missing(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows whose primary key does not exist; leave the others alone."""
    if rows:
        _, statement = _insert(session, model)
        session.connection().execute(statement.on_conflict_do_nothing(), list(rows))


def _packing(dialect: str) -> Any:
    return ARRAY(Text) if dialect == "postgresql" else Text()


def _refresh_statistics(session: Session, table: Table, rows: int) -> None:
    """After a bulk load, tell PostgreSQL at once how large the table is; its own daemon takes a minute."""
    if rows >= BULK and session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql(f"analyze {table.name}")


def _insert(session: Session, model: type[Base]) -> tuple[Table, Any]:
    table = model.metadata.tables[model.__tablename__]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return table, dialect.insert(table)
