"""Tryton over JSON-RPC: models as objects, fields by dotted path (``currency.code``).

``write_date`` is empty until a record's first change, so that a change is the later of it and ``create_date``. One
pass reads in order of id; its cursor is the server's own clock when the pass began, so that neither pages that shift
nor clocks that differ lose a change. Tryton keeps no tombstones: what is gone shows in ``keys``.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from integrations.crm.base import Found, PersonSink, Unseen
from integrations.crm.config import CrmConnector, Writing
from integrations.sources import Capabilities, FieldInfo, FieldType, Page, Query, Record, SourceError, Value
from integrations.sync import answers
from integrations.sync.base import Answer, Fate, Limits, Outgoing, Result, SyncError, Verdict, Whole
from integrations.sync.transport import Lost, Reply, Transport

TYPES: Mapping[str, FieldType] = {
    "char": "text", "text": "text", "numeric": "decimal", "float": "decimal", "integer": "integer",
    "boolean": "boolean", "date": "date", "datetime": "datetime", "timestamp": "datetime", "selection": "choice",
    "many2one": "reference",
}  # fmt: skip
LOGIN = "common.db.login"
KEYS_PAGE = 20_000


class Options(BaseModel):
    """``options`` of the connector. ``overlap_s`` covers transactions open while the last read began."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: str
    login: str
    overlap_s: Annotated[int, Field(ge=0)] = 60
    page: Annotated[int, Field(ge=1, le=5_000)] = 1_000


class RemoteError(Exception):
    """Tryton answered with an error: ``kind`` as it names it, such as UserError."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Rejected(Exception):  # noqa: N818
    """The HTTP answer was no success."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"HTTP {reply.status}")
        self.reply = reply


class Session:
    """A logged-in session; one that expired is opened anew."""

    def __init__(self, connector: CrmConnector, options: Options) -> None:
        if connector.url is None:
            raise SourceError(f"{connector.name}: url is missing", "Write the address of the Tryton server")
        self.name, self.login, self.path = connector.name, options.login, f"{options.database}/rpc/"
        self._password = connector.secret("password")
        self.transport = Transport(connector.url, secrets=[self._password])
        self._authorization: str | None = None
        self.server_time: datetime | None = None

    def call(self, method: str, *params: Any) -> Any:
        """One remote call.

        Raises:
            Lost, Rejected, RemoteError
        """
        if self._authorization is None:
            self._enter()
        try:
            return self._send(method, params)
        except Rejected as refusal:
            if refusal.reply.status != 401:
                raise
        self._enter()
        return self._send(method, params)

    def _enter(self) -> None:
        self._authorization = None
        uid, token, *_ = self._send(LOGIN, (self.login, {"password": self._password}))
        self._authorization = "Session " + base64.b64encode(f"{self.login}:{uid}:{token}".encode()).decode()

    def _send(self, method: str, params: Sequence[Any]) -> Any:
        given = [*params] if method == LOGIN else [*params, {}]  # the last parameter is the context
        body = orjson.dumps({"id": 1, "method": method, "params": given})
        headers = {"content-type": "application/json"}
        if self._authorization is not None:
            headers["authorization"] = self._authorization
        reply = self.transport.send("POST", self.path, headers=headers, content=body)
        if "date" in reply.headers:
            self.server_time = parsedate_to_datetime(reply.headers["date"])
        if not reply.ok:
            raise Rejected(reply)
        answer = json.loads(reply.body, object_hook=_decoded)
        if "error" in answer:
            kind, details = (answer["error"] + [None])[:2]
            said = details[0] if isinstance(details, list) and details else details
            raise RemoteError(str(kind), " ".join(str(said or kind).split()))
        return answer["result"]


class Tryton:
    """A ``Connector``."""

    capabilities = Capabilities(cursor=True, keys=True)

    def __init__(self, connector: CrmConnector) -> None:
        self.name = connector.name
        self.options = Options.model_validate(connector.options)
        self.session = Session(connector, self.options)

    def describe(self, object_name: str) -> Mapping[str, FieldInfo]:
        """The model's fields."""
        found = self._ask(f"model.{object_name}.fields_get", [])
        return {
            name: FieldInfo(
                name, TYPES.get(info["type"], "other"), not info.get("readonly"), max_length=info.get("size") or None
            )
            for name, info in found.items()
            if isinstance(info, dict)
        }

    def read(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Changed records, archived ones as deleted."""
        place: dict[str, Any] = {} if cursor is None else orjson.loads(cursor)
        since, after, began = place.get("since"), place.get("after", 0), place.get("began")
        names = self._names(query)
        while True:
            domain = [*self._domain(query, "active" in names), ["id", ">", after], *_changed(since)]
            rows = self._ask(f"model.{query.object}.search_read", domain, 0, self.options.page, [["id", "ASC"]], names)
            began = began or self._now()
            last = len(rows) < self.options.page
            after = rows[-1]["id"] if rows else after
            place = {"since": began} if last else {"since": since, "after": after, "began": began}
            yield Page([_record(row, query) for row in rows], orjson.dumps(place).decode())
            if last:
                return

    def deleted(self, query: Query, cursor: str | None) -> Iterator[Page]:
        """Tryton forgets what was deleted."""
        return iter(())

    def keys(self, query: Query) -> Iterator[Sequence[str]]:
        """Every id, archived records apart."""
        after = 0
        while True:
            domain = [*self._domain(query, False), ["id", ">", after]]
            found = self._ask(f"model.{query.object}.search", domain, 0, KEYS_PAGE, [["id", "ASC"]])
            yield [str(each) for each in found]
            if len(found) < KEYS_PAGE:
                return
            after = found[-1]

    def sink(self, writing: Writing, addresses: Mapping[str, str]) -> "TrytonSink":
        """A writer to a model of people."""
        try:
            return TrytonSink(self.session, writing, addresses, self.describe(writing.object))
        except SourceError as error:
            raise SyncError(str(error), error.remedy) from error

    def close(self) -> None:
        """Close the connection."""
        self.session.transport.close()

    def _names(self, query: Query) -> list[str]:
        """The fields to ask for, each known to the model: an unknown one would stop the read without saying which."""
        known = self.describe(query.object)
        for path in (query.id, *query.fields):
            head = path.partition(".")[0]
            if head not in known:
                raise SourceError(
                    f"{self.name}: {query.object} has no field {head}", "Mend the mapping, or restore the field"
                )
        further = [name for name in ("create_date", "write_date", "active") if name in known]
        return list(dict.fromkeys(("id", query.id, *query.fields, *further)))

    def _domain(self, query: Query, archived: bool) -> list[Any]:
        where = query.where if isinstance(query.where, list) else []
        return [*where, ["active", "in", [True, False]]] if archived else [*where]

    def _now(self) -> str:
        moment = (self.session.server_time or datetime.now(UTC)) - timedelta(seconds=self.options.overlap_s)
        return moment.astimezone(UTC).isoformat()

    def _ask(self, method: str, *params: Any) -> Any:
        try:
            return self.session.call(method, *params)
        except Lost as lost:
            raise SourceError(f"{self.name}: no answer: {lost}", "Check url, network and that Tryton runs") from lost
        except Rejected as refusal:
            if refusal.reply.status in (401, 403):
                raise SourceError(
                    f"{self.name}: Tryton refuses the login {self.session.login}", "Check login and password"
                ) from refusal
            raise SourceError(f"{self.name}: Tryton answers {refusal}", "Check url and options.database") from refusal
        except RemoteError as error:
            raise SourceError(
                f"{self.name}: {method}: {error.kind}: {error}", "Mend the mapping, or grant the right"
            ) from error


class TrytonSink(PersonSink):
    """Updates records of people, each batch in one transaction of Tryton's."""

    def __init__(
        self, session: Session, writing: Writing, addresses: Mapping[str, str], catalogue: Mapping[str, FieldInfo]
    ) -> None:
        super().__init__(writing, addresses)
        self._session, self._catalogue = session, catalogue
        self._kinds = self._exact_kinds()

    def catalogue(self) -> Mapping[str, FieldInfo]:
        """The model's fields."""
        return self._catalogue

    def limits(self) -> Limits:
        """A transaction of some hundred records is quick, and short enough to hold nobody up."""
        return Limits(batch_count=200)

    def look(self, batch: Sequence[Outgoing]) -> Sequence[Found | None]:
        """The records as they stand, archived ones included."""
        key = self.writing.key
        wanted = [self._address(each) for each in batch]
        names = ["id", key, *self.writing.fields.values(), "write_date"]
        domain: list[Any] = [[key, "in", wanted]]
        if "active" in self._catalogue:
            domain.append(["active", "in", [True, False]])
        try:
            rows = self._session.call(
                f"model.{self.writing.object}.search_read", domain, 0, None, None, list(dict.fromkeys(names))
            )
        except (Lost, Rejected, RemoteError) as error:
            raise Unseen(type(error).__name__, str(error)) from error
        found = {str(row[key]): Found(str(row["id"]), row, _iso(row.get("write_date"))) for row in rows}
        return [found.get(self.addresses[each.key]) for each in batch]

    def write(self, batch: Sequence[Outgoing]) -> Answer:
        """One call for the records that exist; what Tryton refuses makes the engine bisect."""
        try:
            found = self.look(batch)
        except Unseen as why:
            return Whole(Verdict.UNSENT, why.code, str(why))
        params: list[Any] = []
        for record, seen in zip(batch, found, strict=True):
            if seen is not None:
                values = {name: self._encoded(name, value) for name, value in self.values(record).items()}
                params += [[int(seen.remote_id)], values]
        if params:
            try:
                self._session.call(f"model.{self.writing.object}.write", *params)
            except Lost as lost:
                return Whole(Verdict.UNKNOWN if lost.sent else Verdict.UNSENT, "lost", str(lost))
            except Rejected as refusal:
                return answers.whole(refusal.reply)
            except RemoteError as error:
                return _refused(error)
        return [self._result(record, seen) for record, seen in zip(batch, found, strict=True)]

    def close(self) -> None:
        """Close the connection."""
        self._session.transport.close()

    def _result(self, record: Outgoing, seen: Found | None) -> Result:
        if seen is None:
            reason = f"no {self.writing.object} has {self.writing.key} {self.addresses[record.key]}"
            return Result(Fate.REFUSED, "no_record", reason)
        return Result(Fate.STORED, remote_id=seen.remote_id)

    def _address(self, record: Outgoing) -> Any:
        address = self.addresses[record.key]
        kind = FieldInfo(self.writing.key, "integer") if self.writing.key == "id" else self._catalogue[self.writing.key]
        return int(address) if kind.type in ("integer", "reference") else address

    def _exact_kinds(self) -> Mapping[str, str]:
        """Tryton's own type of each written field: a float and a numeric are spelt differently."""
        found = self._session.call(f"model.{self.writing.object}.fields_get", list(self.writing.fields.values()))
        return {name: info["type"] for name, info in found.items() if isinstance(info, dict)}

    def _encoded(self, name: str, value: Any) -> Any:
        kind = self._kinds.get(name)
        if value is None or kind in (None, "boolean"):
            return value
        if kind == "numeric":
            return {"__class__": "Decimal", "decimal": str(value)}
        if kind in ("integer", "float"):
            return int(value) if kind == "integer" else float(value)
        if kind == "date":
            day = date.fromisoformat(value)
            return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}
        return str(value)


def _refused(error: RemoteError) -> Whole:
    """A concurrent change passes; everything else that Tryton's validation says is about a record."""
    if error.kind in ("ConcurrencyException", "UserWarning"):
        return Whole(Verdict.UNSENT, error.kind, str(error))
    return Whole(Verdict.REFUSED, error.kind, str(error))


def _changed(since: str | None) -> list[Any]:
    if since is None:
        return []
    cut = _stamp(datetime.fromisoformat(since))
    return [["OR", ["write_date", ">", cut], [["write_date", "=", None], ["create_date", ">", cut]]]]


def _stamp(moment: datetime) -> dict[str, Any]:
    """A time as Tryton takes it: UTC, in parts."""
    utc = moment.astimezone(UTC)
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime"} | {name: getattr(utc, name) for name in names}


def _record(row: Mapping[str, Any], query: Query) -> Record:
    changed = row.get("write_date") or row.get("create_date")
    if row.get("active") is False:
        return Record(str(row[query.id]), {}, changed, deleted=True)
    return Record(str(row[query.id]), {path: _at(row, path) for path in query.fields}, changed)


def _at(row: Mapping[str, Any], path: str) -> Value:
    """The value at a dotted path: Tryton nests what lies behind ``currency`` under ``currency.``."""
    *heads, last = path.split(".")
    here: Mapping[str, Any] | None = row
    for head in heads:
        here = None if here is None else here.get(f"{head}.")
    return None if here is None else here.get(last)


def _decoded(found: dict[str, Any]) -> Any:
    """Tryton's typed values; its times are UTC without saying so."""
    kind = found.get("__class__")
    if kind == "Decimal":
        return Decimal(found["decimal"])
    if kind == "date":
        return date(found["year"], found["month"], found["day"])
    if kind == "datetime":
        parts = [found[name] for name in ("year", "month", "day", "hour", "minute", "second", "microsecond")]
        return datetime(*parts, tzinfo=UTC)
    return found


def _iso(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else None
