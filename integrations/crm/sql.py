"""Any CRM or warehouse database that SQLAlchemy reaches: tables and views as objects, columns as fields.

With ``modified_at`` rows are read in order of (modified_at, id), and the cursor is the last pair: rows that share a
time are neither lost nor, beyond the overlap, read twice. Without it the table is read whole each time and compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    NoSuchModuleError,
    NoSuchTableError,
    OperationalError,
    SQLAlchemyError,
)

from governance.redaction import redact
from integrations.crm.base import Found, PersonSink, Unseen
from integrations.crm.config import CrmConnector, Writing
from integrations.sources import Capabilities, FieldInfo, FieldType, Page, Query, Record, SourceError, Unreadable, Value
from integrations.sync.base import Answer, Fate, Outgoing, Result, SyncError, Verdict, Whole

TYPES: Sequence[tuple[type, FieldType]] = (
    (sa.Boolean, "boolean"),
    (sa.Integer, "integer"),
    (sa.Numeric, "decimal"),
    (sa.DateTime, "datetime"),
    (sa.Date, "date"),
    (sa.Enum, "choice"),
    (sa.String, "text"),
    (sa.Uuid, "text"),
)


class Options(BaseModel):
    """``options`` of the connector. ``zone`` is that of times without one; ``overlap_s`` covers late commits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Annotated[str | None, Field(alias="schema")] = None
    zone: str = "UTC"
    overlap_s: Annotated[int, Field(ge=0)] = 300
    page: Annotated[int, Field(ge=1, le=100_000)] = 5_000


class Sql:
    """A ``Connector``. ``url`` is an SQLAlchemy address without password; the secret ``password`` is put in."""

    def __init__(self, connector: CrmConnector) -> None:
        self.name = connector.name
        self.options = Options.model_validate(connector.options)
        self.capabilities = Capabilities(cursor=True, keys=True)
        self._zone = ZoneInfo(self.options.zone)
        self._engine = _engine(connector)

    @cached_property
    def _metadata(self) -> sa.MetaData:
        return sa.MetaData(schema=self.options.schema_)

    def table(self, name: str) -> sa.Table:
        """The table or view of that name, as the database describes it."""
        try:
            return sa.Table(name, self._metadata, autoload_with=self._engine)
        except NoSuchTableError:
            raise SourceError(
                f"{self.name}: there is no table {name} in the database",
                "Mend `object` in the connector's file, or grant the right to read it",
            ) from None
        except SQLAlchemyError as error:
            raise _failed(self.name, error) from error

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """The table's columns."""
        return {column.name: _info(column) for column in self.table(object_name).columns}

    def read(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Rows since the cursor, in order of change; all of them, in order of id, where no column tells the change."""
        table = self.table(query.object)
        columns = {path: _column(self.name, table, path) for path in (*query.fields, query.id)}
        changed = None if query.modified_at is None else self._order(_column(self.name, table, query.modified_at))
        after, bounds = _place(cursor), None
        if after is not None and changed is not None:
            bounds = [self._start(after, changed), None]
        while True:
            rows = self._page(table, columns, changed, query, bounds)
            if not rows:
                return
            times = [isinstance(column.type, sa.DateTime) for column in columns.values()]
            page, bounds = self._records(rows, query, times, changed is not None)
            yield page
            if len(rows) < self.options.page:
                return

    def deleted(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """A database keeps no tombstones: what is gone shows in ``keys``."""
        return iter(())

    def keys(self, query: Query) -> Iterator[Sequence[str]]:
        """Every id of the table."""
        column = _column(self.name, self.table(query.object), query.id)
        statement = _where(sa.select(column), query).execution_options(yield_per=self.options.page)
        try:
            with self._engine.connect() as connection:
                for rows in connection.execute(statement).partitions():
                    yield [str(key) for (key,) in rows]
        except SQLAlchemyError as error:
            raise _failed(self.name, error) from error

    def sink(self, writing: Writing, addresses: Mapping[str, str]) -> "SqlSink":
        """A writer to a table of people."""
        try:
            return SqlSink(self._engine, self.table(writing.object), writing, addresses, self.describe(writing.object))
        except SourceError as error:
            raise SyncError(str(error), error.remedy) from error

    def close(self) -> None:
        """Give back connections."""
        self._engine.dispose()

    def _page(
        self,
        table: sa.Table,
        columns: Mapping[str, sa.Column[Any]],
        changed: sa.ColumnElement[Any] | None,
        query: Query,
        bounds: list[Any] | None,
    ) -> Sequence[sa.Row[Any]]:
        key = columns[query.id]
        wanted = [self._raw(column).label(f"f{place}") for place, column in enumerate(columns.values())]
        if changed is None:
            statement = sa.select(*wanted).order_by(key)
            if bounds is not None:
                statement = statement.where(key > bounds[1])
        else:
            statement = sa.select(*wanted, changed.label("changed")).order_by(changed, key)
            if bounds is not None:
                at, last = bounds
                ties = [] if last is None else [sa.and_(changed == at, key > last)]
                statement = statement.where(sa.or_(changed > at, *ties) if ties else changed >= at)
        try:
            with self._engine.connect() as connection:
                return connection.execute(_where(statement, query).limit(self.options.page)).all()
        except SQLAlchemyError as error:
            raise _failed(self.name, error) from error

    def _records(
        self, rows: Sequence[sa.Row[Any]], query: Query, times: Sequence[bool], dated: bool
    ) -> tuple[Page, list[Any]]:
        records: list[Record] = []
        unreadable: list[Unreadable] = []
        names = list(dict.fromkeys((*query.fields, query.id)))
        place = names.index(query.id)
        for row in rows:
            values = row[: len(names)]
            typed = [
                self._moment(value) if time else self._value(value) for value, time in zip(values, times, strict=True)
            ]
            fields = dict(zip(names, typed, strict=True))
            changed = self._moment(row.changed) if dated else None
            if values[place] is None:
                unreadable.append(Unreadable(query.object, "id_present", f"{query.id} is null"))
            elif changed is not None and not isinstance(changed, datetime):
                unreadable.append(
                    Unreadable(str(values[place]), "modified_at_is_time", f"{query.modified_at} is no time")
                )
            else:
                records.append(Record(str(values[place]), fields, changed))
        last = rows[-1]
        moment = self._moment(last.changed) if dated else None
        cursor = None
        if isinstance(moment, datetime):
            cursor = orjson.dumps([moment.isoformat(), str(last[place])]).decode()
        return Page(records, cursor, unreadable), [last.changed if dated else None, last[place]]

    def _value(self, value: Any) -> Value:
        if isinstance(value, datetime):
            aware = value if value.tzinfo is not None else value.replace(tzinfo=self._zone)
            return aware.astimezone(UTC)
        if value is None or isinstance(value, str | bool | int | float | Decimal | date):
            return value
        return str(value)

    def _raw(self, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
        """The column as it is read: SQLite holds any type anywhere, so that one odd value would lose its whole page."""
        return sa.type_coerce(column, sa.types.NullType()) if self._engine.dialect.name == "sqlite" else column

    def _order(self, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
        """The column as the database orders it: SQLite keeps times as text, in whatever precision they were written."""
        return sa.type_coerce(column, sa.String) if self._engine.dialect.name == "sqlite" else column

    def _moment(self, changed: Any) -> Value:
        """A value of the ordering column as a time."""
        if isinstance(changed, str):
            try:
                changed = datetime.fromisoformat(changed)
            except ValueError:
                return changed
        return self._value(changed)

    def _start(self, cursor: tuple[datetime, str], column: sa.ColumnElement[Any]) -> Any:
        """From where reading begins, as the column holds it: without offset where the column has none."""
        moment = cursor[0] - timedelta(seconds=self.options.overlap_s)
        if getattr(column.type, "timezone", False):
            return moment
        local = moment.astimezone(self._zone).replace(tzinfo=None)
        return local.isoformat(" ", "seconds") if isinstance(column.type, sa.String) else local


class SqlSink(PersonSink):
    """Updates rows of people, each batch in one transaction."""

    def __init__(
        self,
        engine: sa.Engine,
        table: sa.Table,
        writing: Writing,
        addresses: Mapping[str, str],
        catalogue: Mapping[str, FieldInfo],
    ) -> None:
        super().__init__(writing, addresses)
        self._engine, self._table, self._catalogue = engine, table, catalogue
        if writing.key not in catalogue:
            raise SyncError(f"{writing.object} has no column {writing.key}", "Mend write.key of the connector")
        self._key = table.columns[writing.key]

    def catalogue(self) -> Mapping[str, FieldInfo]:
        """The table's columns."""
        return self._catalogue

    def look(self, batch: Sequence[Outgoing]) -> Sequence[Found | None]:
        """The rows as they stand."""
        names = list(self.writing.fields.values())
        wanted = [self._table.columns[name] for name in names]
        found: dict[str, Found] = {}
        keys = [self._typed(self._key, self.addresses[each.key]) for each in batch]
        try:
            with self._engine.connect() as connection:
                for row in connection.execute(sa.select(self._key, *wanted).where(self._key.in_(keys))):
                    found[str(row[0])] = Found(str(row[0]), dict(zip(names, row[1:], strict=True)))
        except SQLAlchemyError as error:
            raise Unseen(type(error).__name__, redact(str(error.args[0] if error.args else error))) from error
        return [found.get(self.addresses[each.key]) for each in batch]

    def write(self, batch: Sequence[Outgoing]) -> Answer:
        """One transaction; a row that the database refuses makes the engine bisect."""
        results: list[Result] = []
        try:
            with self._engine.begin() as connection:
                for record in batch:
                    values = {
                        name: self._typed(self._table.columns[name], value)
                        for name, value in self.values(record).items()
                    }
                    key = self._typed(self._key, self.addresses[record.key])
                    done = connection.execute(sa.update(self._table).where(self._key == key).values(values))
                    results.append(_outcome(done.rowcount, self.addresses[record.key]))
        except (OperationalError, InterfaceError) as error:
            return Whole(Verdict.UNKNOWN, type(error).__name__, redact(str(error.orig)))
        except (SQLAlchemyError, ValueError, ArithmeticError) as error:
            return Whole(Verdict.REFUSED, type(error).__name__, redact(str(getattr(error, "orig", None) or error)))
        return results

    def close(self) -> None:
        """Give back connections."""
        self._engine.dispose()

    def _typed(self, column: sa.Column[Any], value: Any) -> Any:
        """The JSON value as the column's Python type."""
        if value is None:
            return None
        kind = self._catalogue[column.name].type
        if kind == "integer":
            return int(value)
        if kind == "decimal":
            return Decimal(str(value))
        if kind == "date":
            return date.fromisoformat(value)
        if kind == "datetime":
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        return value if kind == "boolean" else str(value)


def _outcome(rows: int, key: str) -> Result:
    if rows == 0:
        return Result(Fate.REFUSED, "no_record", f"no row has the key {key}")
    return Result(Fate.STORED, remote_id=key)


def _engine(connector: CrmConnector) -> sa.Engine:
    if connector.url is None:
        raise SourceError(f"{connector.name}: url is missing", "Write an SQLAlchemy address, postgresql+psycopg://…")
    try:
        address = sa.make_url(connector.url)
        if address.password is not None:
            raise SourceError(f"{connector.name}: url holds a password", "Name its variable under secrets.password")
        if "password" in connector.secrets:
            address = address.set(password=connector.secret("password"))
        return sa.create_engine(address, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise SourceError(f"{connector.name}: url cannot be used: {redact(str(error))}", "Mend it") from error


def _column(connector: str, table: sa.Table, name: str) -> sa.Column[Any]:
    if name not in table.columns:
        raise SourceError(f"{connector}: {table.name} has no column {name}", "Mend the mapping, or restore the column")
    return table.columns[name]


def _where(statement: Any, query: Query) -> Any:
    """The connector's own condition; it is configuration that an administrator writes, never a value of a row."""
    return statement if query.where is None else statement.where(sa.text(str(query.where)))


def _place(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    moment, key = orjson.loads(cursor)
    return datetime.fromisoformat(moment), key


def _info(column: sa.Column[Any]) -> FieldInfo:
    fitting: list[FieldType] = [name for type_, name in TYPES if isinstance(column.type, type_)]
    kind: FieldType = fitting[0] if fitting else "other"
    length = getattr(column.type, "length", None)
    choices = frozenset(column.type.enums) if isinstance(column.type, sa.Enum) else None
    return FieldInfo(column.name, kind, column.computed is None, choices, length)


def _failed(connector: str, error: SQLAlchemyError) -> SourceError:
    said = " ".join(redact(str(getattr(error, "orig", None) or error)).split())
    return SourceError(f"{connector}: the database does not answer: {said}", "Check url, network and rights")
