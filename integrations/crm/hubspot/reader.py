"""Reads HubSpot: what changed since a place, archived and merged records, every living key.

A search gives no more than 10,000 results, sorts by one property and pages by offset, so that rows which change
between two pages make others slip through. So no page but the first is ever asked for: each search begins at the last
change seen, and where more records share one millisecond than fit a page, they are walked by id.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from integrations.crm.config import CrmConnector, Writing
from integrations.crm.cursors import Place, place
from integrations.crm.hubspot.portal import Options, Portal
from integrations.crm.hubspot.properties import MERGED, OWNER, OWNER_EMAIL, Catalogue, milliseconds, moment, typed
from integrations.crm.hubspot.writer import HubspotSink
from integrations.sources import Capabilities, FieldInfo, Page, Query, Record, SourceError, Unreadable, Value
from integrations.sync.base import SyncError
from integrations.sync.transport import Reply

SEARCH_ROWS, LIST_ROWS, OWNER_ROWS = 200, 100, 500
KEPT = timedelta(days=90)  # archived records can be listed and restored for so long
MILLISECOND = timedelta(milliseconds=1)
Row = Mapping[str, Any]


class Hubspot:
    """A ``Connector``."""

    capabilities = Capabilities(cursor=True, tombstones=True, tombstones_kept=KEPT, keys=True)

    def __init__(self, connector: CrmConnector) -> None:
        self.name = connector.name
        self.options = Options.model_validate(connector.options)
        self.portal = Portal(connector, self.options)
        self._catalogue = Catalogue(self.portal)
        self._owners: dict[str, str] | None = None

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """Properties of the object type."""
        return self._catalogue.fields(object_name)

    def read(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Changed records and those that were merged away; all of them without a cursor."""
        asked = _Asked(self._catalogue, query)
        since = place(cursor)
        if since is None and not query.where:
            yield from self._whole(asked)
            return
        start = datetime(1970, 1, 1, tzinfo=UTC) if since is None else since.back(self.options.overlap_s).at
        for rows in self._changes(asked, start):
            page = self._page(asked, rows)
            latest = Place(max(asked.changed_at(row) for row in rows))
            at = latest if since is None else max(since, latest)
            yield Page(page.records, at.text(), page.unreadable)

    def deleted(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Records archived since the cursor; a search never shows them, the list of archived ones does."""
        since = place(cursor)
        start = None if since is None else since.back(self.options.overlap_s).at
        for rows, _ in self._listed(query.object, ["hs_object_id"], archived=True):
            gone = [(str(row["id"]), moment(str(row["archivedAt"]))) for row in rows if row.get("archivedAt")]
            gone = [(key, at) for key, at in gone if start is None or at >= start]
            if gone:
                latest = Place(max(at for _, at in gone))
                since = latest if since is None else max(since, latest)
                yield Page([Record(key, {}, at, deleted=True) for key, at in gone], since.text())

    def keys(self, query: Query) -> Iterator[Sequence[str]]:
        """Every living id; with a condition, by searches."""
        if query.where:
            asked = _Asked(self._catalogue, Query(query.object, (), query.id, query.modified_at, query.where))
            for rows in self._changes(asked, datetime(1970, 1, 1, tzinfo=UTC)):
                yield [str(row["id"]) for row in rows]
            return
        for rows, _ in self._listed(query.object, ["hs_object_id"]):
            yield [str(row["id"]) for row in rows]

    def sink(self, writing: Writing, addresses: Mapping[str, str]) -> HubspotSink:
        """The writer to people's records."""
        try:
            return HubspotSink(self.portal, self._catalogue, writing, addresses)
        except SourceError as error:
            raise SyncError(str(error), error.remedy) from error

    def close(self) -> None:
        """Close the connections."""
        self.portal.close()

    def _whole(self, asked: "_Asked") -> Iterator[Page]:
        """Every record by the list, in order of ids: only the last page says where to go on, the time it was begun."""
        begun: datetime | None = None
        for rows, reply in self._listed(asked.query.object, asked.names):
            begun = begun or _server_time(reply)
            yield self._page(asked, rows)
        if begun is not None:
            yield Page((), Place(begun).text())

    def _listed(self, kind: str, names: Sequence[str], archived: bool = False) -> Iterator[tuple[list[Row], Reply]]:
        path = self.portal.path("objects", kind)
        params: dict[str, str | int] = {"limit": LIST_ROWS, "properties": ",".join(names)}
        params |= {"archived": "true"} if archived else {}
        while True:
            body, reply = self.portal.read("GET", path, params=params)
            yield list(body["results"]), reply
            after = ((body.get("paging") or {}).get("next") or {}).get("after")
            if not after:
                return
            params["after"] = str(after)

    def _changes(self, asked: "_Asked", start: datetime) -> Iterator[list[Row]]:
        """Rows changed at or after ``start``, oldest first; each search begins where the last one ended."""
        seen: set[str] = set()
        while True:
            rows = self._search(asked, [_filter(asked.changed, "GTE", start)], asked.changed)
            fresh = [row for row in rows if str(row["id"]) not in seen]
            if len(rows) < SEARCH_ROWS:
                if fresh:
                    yield fresh
                return
            last = max(asked.changed_at(row) for row in rows)
            if min(asked.changed_at(row) for row in rows) == last:
                yield from self._tied(asked, last, seen)
                start, seen = last + MILLISECOND, set()
                continue
            if fresh:
                yield fresh
            start, seen = last, {str(row["id"]) for row in rows if asked.changed_at(row) == last}

    def _tied(self, asked: "_Asked", at: datetime, seen: set[str]) -> Iterator[list[Row]]:
        """Rows of one millisecond that were not seen yet, in order of ids."""
        last = 0
        while True:
            filters = [_filter(asked.changed, "EQ", at), _filter("hs_object_id", "GT", last)]
            rows = self._search(asked, filters, "hs_object_id")
            fresh = [row for row in rows if str(row["id"]) not in seen]
            if fresh:
                yield fresh
            if len(rows) < SEARCH_ROWS:
                return
            last = max(int(row["id"]) for row in rows)

    def _search(self, asked: "_Asked", filters: list[dict[str, str]], order: str) -> list[Row]:
        own = asked.query.where or []
        body = {
            "filterGroups": [{"filters": [*filters, *own]}],
            "sorts": [{"propertyName": order, "direction": "ASCENDING"}],
            "properties": asked.names,
            "limit": SEARCH_ROWS,
        }
        found, _ = self.portal.read("POST", self.portal.path("objects", asked.query.object, "search"), body)
        return list(found["results"])

    def _page(self, asked: "_Asked", rows: Sequence[Row]) -> Page:
        records: list[Record] = []
        bad: list[Unreadable] = []
        for row in rows:
            properties = row["properties"]
            try:
                fields = {name: self._value(info, properties) for name, info in asked.infos.items()}
            except ValueError as error:
                bad.append(Unreadable(str(row["id"]), "value_of_its_type", str(error)))
                continue
            at = asked.changed_at(row)
            records.append(Record(str(row["id"]), fields, at, deleted=bool(row.get("archived"))))
            gone = filter(None, (properties.get(MERGED) or "").split(";"))
            records.extend(Record(key, {}, at, deleted=True) for key in gone)
        return Page(records, None, bad)

    def _value(self, info: FieldInfo, properties: Mapping[str, str | None]) -> Value:
        if info.name != OWNER_EMAIL:
            return typed(info, properties.get(info.name))
        owner = properties.get(OWNER)
        return None if not owner else self._emails().get(owner)

    def _emails(self) -> Mapping[str, str]:
        """E-mail addresses of owners by id, those who left included."""
        if self._owners is None:
            self._owners = {}
            for archived in ("false", "true"):
                params: dict[str, str | int] = {"limit": OWNER_ROWS, "archived": archived}
                while True:
                    body, _ = self.portal.read("GET", self.portal.path("owners"), params=params)
                    self._owners |= {str(row["id"]): row["email"] for row in body["results"] if row.get("email")}
                    after = ((body.get("paging") or {}).get("next") or {}).get("after")
                    if not after:
                        break
                    params["after"] = str(after)
        return self._owners


class _Asked:
    """One query: its properties with their types, and what must be asked for beside them."""

    def __init__(self, catalogue: Catalogue, query: Query) -> None:
        self.query = query
        if query.id not in ("id", "hs_object_id"):
            raise SourceError(
                f"{query.object}: id: HubSpot's records are known by hs_object_id alone", "Leave out `id`"
            )
        if query.where is not None and not isinstance(query.where, list):
            example = '[{"propertyName": "pipeline", "operator": "EQ", "value": "default"}]'
            raise SourceError(f"{query.object}: where must be a list of HubSpot's filters", f"Write it like {example}")
        self.changed = query.modified_at or catalogue.changed(query.object)
        self.infos = {name: catalogue.info(query.object, name) for name in query.fields}
        known = catalogue.fields(query.object)
        wanted = (OWNER if name == OWNER_EMAIL else name for name in query.fields)
        own = (name for name in (MERGED,) if name in known)
        self.names = list(dict.fromkeys((self.changed, *own, *wanted)))

    def changed_at(self, row: Row) -> datetime:
        return moment(str(row["properties"].get(self.changed) or row["updatedAt"]))


def _filter(name: str, sign: str, value: datetime | int) -> dict[str, str]:
    given = milliseconds(value) if isinstance(value, datetime) else value
    return {"propertyName": name, "operator": sign, "value": str(given)}


def _server_time(reply: Reply) -> datetime:
    """The portal's own time: ours may be wrong."""
    text = reply.headers.get("date")
    return datetime.now(UTC) if text is None else parsedate_to_datetime(text).astimezone(UTC)
