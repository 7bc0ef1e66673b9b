"""Reads Salesforce: what changed since a place, deleted and merged records included, and every living key.

REST reads page by page behind (SystemModstamp, Id), so that neither ties nor shifting rows lose anything; a first read
of many rows is one Bulk 2.0 query. SystemModstamp, not LastModifiedDate: imports may set the latter.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from integrations.crm.config import CrmConnector, Writing
from integrations.crm.cursors import Place, place
from integrations.crm.salesforce.bulk import Query as BulkQuery
from integrations.crm.salesforce.fields import Catalogue, from_json, literal, typed
from integrations.crm.salesforce.session import Options, Session, exact
from integrations.crm.salesforce.writer import SalesforceSink
from integrations.sources import Capabilities, FieldInfo, Page, Query, Record, SourceError, Unreadable, Value
from integrations.sync.base import SyncError

CHANGED = "SystemModstamp"
KEPT = timedelta(days=15)  # the recycle bin is emptied after about as long
Values = Callable[[str, FieldInfo], Value]


class Salesforce:
    """A ``Connector``."""

    capabilities = Capabilities(cursor=True, tombstones=True, tombstones_kept=KEPT, keys=True)

    def __init__(self, connector: CrmConnector) -> None:
        self.name = connector.name
        self.options = Options.model_validate(connector.options)
        self.session = Session(connector, self.options)
        self._catalogue = Catalogue(self.session)

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """Fields of the object."""
        return self._catalogue.fields(object_name)

    def read(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Changed and deleted records; all of them without a cursor."""
        asked = _Asked(self._catalogue, query)
        since = place(cursor)
        if since is None and self._count(query, asked) >= self.options.bulk_from:
            yield from self._whole(asked)
            return
        after = None if since is None else since.back(self.options.overlap_s)
        while True:
            rows, more = self._rows(asked, after)
            if not rows:
                return
            page, after = asked.page(rows)
            at = after if since is None else max(since, after)
            yield Page(page.records, at.text(), page.unreadable)
            if not more:
                return

    def deleted(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Nothing: deleted records come along in ``read``."""
        return iter(())

    def keys(self, query: Query) -> Iterator[Sequence[str]]:
        """Every living id, by Bulk 2.0 where they are many."""
        name = _key(query)
        text = f"SELECT {name}{'' if name == 'Id' else ', Id'} FROM {query.object}"  # noqa: S608 - SOQL of a configured object
        if self._count(query, None) >= self.options.bulk_from:
            job = BulkQuery(self.session, f"{text}{_conditions(query.where)}", deleted=False)
            for rows in job.pages(self.options.bulk_page):
                yield [row[name] for row in rows if row[name]]
            job.remove()
            return
        last: str | None = None
        while True:
            behind = None if last is None else f"Id > {literal(last)}"
            found = self._ask(f"{text}{_conditions(query.where, behind)} ORDER BY Id LIMIT {self.options.page}")
            if not found["records"]:
                return
            yield [str(row[name]) for row in found["records"] if row[name]]
            last = str(found["records"][-1]["Id"])

    def sink(self, writing: Writing, addresses: Mapping[str, str]) -> SalesforceSink:
        """The writer to people's records."""
        try:
            return SalesforceSink(self.session, self._catalogue, writing, addresses)
        except SourceError as error:
            raise SyncError(str(error), error.remedy) from error

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def _rows(self, asked: "_Asked", after: Place | None) -> tuple[list[dict[str, Any]], bool]:
        text = asked.text(_behind(after)) + f" ORDER BY {CHANGED}, Id LIMIT {self.options.page}"
        found = self._ask(text, deleted=asked.deletable)
        rows = found["records"]
        return rows, len(rows) >= self.options.page or not found["done"]

    def _whole(self, asked: "_Asked") -> Iterator[Page]:
        """Every row by one job, in no order: only the last page says where to go on, which is when the job began."""
        job = BulkQuery(self.session, asked.text(None), deleted=asked.deletable)
        latest: datetime | None = None
        for rows in job.pages(self.options.bulk_page):
            page, last = asked.cells(rows)
            latest = max(filter(None, (latest, last)), default=None)
            yield page
        job.remove()
        begun = job.begun if latest is None else min(job.begun, latest)
        yield Page((), Place(begun).text())

    def _count(self, query: Query, asked: "_Asked | None") -> int:
        text = f"SELECT COUNT() FROM {query.object}{_conditions(query.where)}"  # noqa: S608 - SOQL of a configured object
        return int(self._ask(text, deleted=asked is not None and asked.deletable)["totalSize"])

    def _ask(self, text: str, deleted: bool = False) -> Mapping[str, Any]:
        return exact(self.session.read("GET", "/queryAll" if deleted else "/query", params={"q": text}))


class _Asked:
    """One query: its fields with their types, and rows made into records."""

    def __init__(self, catalogue: Catalogue, query: Query) -> None:
        self.query = query
        self.key = _key(query)
        self.deletable = catalogue.has(query.object, "IsDeleted")
        own = (self.key, "Id", CHANGED, *(("IsDeleted",) if self.deletable else ()))
        self.infos = {path: catalogue.path(query.object, path) for path in dict.fromkeys((*own, *query.fields))}

    def text(self, condition: str | None) -> str:
        where = _conditions(self.query.where, condition)
        return f"SELECT {', '.join(self.infos)} FROM {self.query.object}{where}"  # noqa: S608 - paths of the catalogue

    def page(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Page, Place]:
        """REST rows as a page, and the place behind it."""
        page, _ = self._page(rows, lambda row: lambda path, info: from_json(row, path, info))
        last = rows[-1]
        changed = from_json(last, CHANGED, self.infos[CHANGED])
        if not isinstance(changed, datetime):
            raise SourceError(f"{self.query.object}: a row has no {CHANGED}", "Report this to Salesforce support")
        return page, Place(changed, str(last["Id"]))

    def cells(self, rows: Sequence[Mapping[str, str]]) -> tuple[Page, datetime | None]:
        """Bulk rows as a page without a place, and the latest change among them."""
        return self._page(rows, lambda row: lambda path, info: typed(info, row.get(path)))

    def _page(
        self, rows: Sequence[Mapping[str, Any]], values: Callable[[Mapping[str, Any]], Values]
    ) -> tuple[Page, datetime | None]:
        records: list[Record] = []
        bad: list[Unreadable] = []
        for row in rows:
            found = self._record(values(row))
            (records if isinstance(found, Record) else bad).append(found)  # pyright: ignore[reportArgumentType]
        latest = max((record.modified_at for record in records if record.modified_at is not None), default=None)
        return Page(records, None, bad), latest

    def _record(self, value: Values) -> Record | Unreadable:
        identity = str(value("Id", self.infos["Id"]))
        key = value(self.key, self.infos[self.key])
        if key is None:
            return Unreadable(identity, "id_present", f"{self.key} is empty")
        try:
            fields = {path: value(path, self.infos[path]) for path in self.query.fields}
        except ValueError as error:
            return Unreadable(identity, "value_of_its_type", str(error))
        changed = value(CHANGED, self.infos[CHANGED])
        deleted = self.deletable and value("IsDeleted", self.infos["IsDeleted"]) is True
        return Record(str(key), fields, changed if isinstance(changed, datetime) else None, deleted)


def _key(query: Query) -> str:
    return "Id" if query.id.lower() == "id" else query.id


def _behind(after: Place | None) -> str | None:
    """Rows behind a place; without an id in it, those of its moment as well."""
    if after is None:
        return None
    at = literal(after.at)
    if not after.id:
        return f"{CHANGED} >= {at}"
    return f"({CHANGED} > {at} OR ({CHANGED} = {at} AND Id > {literal(after.id)}))"


def _conditions(*conditions: Any) -> str:
    given = [str(condition) for condition in conditions if condition]
    if len(given) == 1:
        return f" WHERE {given[0]}"
    return f" WHERE {' AND '.join(f'({condition})' for condition in given)}" if given else ""
