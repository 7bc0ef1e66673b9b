"""REST of the simulated Salesforce: queries, descriptions, records, collections."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from integrations.crm.salesforce.fields import long_id
from integrations.crm.simulators import soql
from integrations.crm.simulators.salesforce_org import Org, View, code, json_value, unknown
from integrations.crm.simulators.store import Field, Record, Refused, Table

COLLECTION_ROWS = 200
_TYPES = {"text": "string", "number": "double"}
Row = dict[str, Any]


class Rest:
    """Handlers over one organisation."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._cursors: dict[str, tuple[soql.Query, list[Record], int]] = {}

    def routes(self) -> list[BaseRoute]:
        """Addresses below ``/services/data/vXX.X``."""
        record = "/sobjects/{object}/{id}"
        external = "/sobjects/{object}/{field}/{value:path}"
        return [
            Route("/limits", self.limits),
            Route("/query", self.query),
            Route("/query/{cursor}", self.more),
            Route("/queryAll", self.query),
            Route("/queryAll/{cursor}", self.more),
            Route("/sobjects", self.objects),
            Route("/sobjects/{object}/describe", self.describe),
            Route("/sobjects/{object}", self.create, methods=["POST"]),
            Route(record, self.read, methods=["GET"]),
            Route(record, self.change, methods=["PATCH"]),
            Route(record, self.remove, methods=["DELETE"]),
            Route(external, self.read_external, methods=["GET"]),
            Route(external, self.upsert, methods=["PATCH"]),
            Route("/composite/sobjects", self.create_many, methods=["POST"]),
            Route("/composite/sobjects", self.change_many, methods=["PATCH"]),
            Route("/composite/sobjects", self.remove_many, methods=["DELETE"]),
            Route("/composite/sobjects/{object}/{field}", self.upsert_many, methods=["PATCH"]),
            Route("/composite/sobjects/{object}", self.read_many, methods=["POST"]),
        ]

    async def limits(self, _: Request) -> Response:
        org = self._org
        return JSONResponse({"DailyApiRequests": {"Max": org.api_limit, "Remaining": org.api_limit - org.api_used}})

    async def query(self, request: Request) -> Response:
        query, rows = select(self._org, request.query_params.get("q", ""), "queryall" in request.url.path.lower())
        if not query.fields:
            return JSONResponse({"totalSize": len(rows), "done": True, "records": []})
        return self._page(request, query, rows, 0)

    async def more(self, request: Request) -> Response:
        key, _, start = request.path_params["cursor"].rpartition("-")
        if key not in self._cursors:
            raise Refused("cursor", "invalid query locator")
        query, rows, _ = self._cursors[key]
        return self._page(request, query, rows, int(start), key)

    def _page(
        self, request: Request, query: soql.Query, rows: list[Record], start: int, key: str | None = None
    ) -> Response:
        size = _batch_size(request.headers.get("sforce-query-options", ""), self._org.batch_rows)
        version = request.path_params["version"]
        table = self._table(query.object)
        shown = [_record(self._org, table, row, query.fields, version) for row in rows[start : start + size]]
        body: Row = {"totalSize": len(rows), "done": start + size >= len(rows), "records": shown}
        if not body["done"]:
            key = key or f"01g{len(self._cursors):012d}AAA"
            self._cursors[key] = (query, rows, start)
            body["nextRecordsUrl"] = f"/services/data/{version}/query/{key}-{start + size}"
        return JSONResponse(body)

    async def objects(self, request: Request) -> Response:
        shown = [
            {"name": name, "label": name, "queryable": True, "createable": True, "updateable": True}
            for name in self._org.tables
        ]
        return JSONResponse({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown})

    async def describe(self, request: Request) -> Response:
        table = self._table(request.path_params["object"])
        return JSONResponse(
            {
                "name": table.name,
                "label": table.name,
                "queryable": True,
                "createable": True,
                "updateable": True,
                "fields": [_described(column) for column in table.fields.values()],
            }
        )

    async def create(self, request: Request) -> Response:
        row = self._table(request.path_params["object"]).insert(_fields(await _json(request)))
        return JSONResponse({"id": row.id, "success": True, "errors": []}, 201)

    async def read(self, request: Request) -> Response:
        table = self._table(request.path_params["object"])
        return self._shown(request, table, _found(table, request.path_params["id"]))

    async def read_external(self, request: Request) -> Response:
        table = self._table(request.path_params["object"])
        row = self._org.find(table, request.path_params["field"], request.path_params["value"])
        if row is None:
            raise Refused("not_found", "The requested resource does not exist")
        return self._shown(request, table, row)

    def _shown(self, request: Request, table: Table, row: Record) -> Response:
        asked = request.query_params.get("fields")
        names = tuple(asked.split(",")) if asked else tuple(table.fields)
        return JSONResponse(_record(self._org, table, row, names, request.path_params["version"]))

    async def change(self, request: Request) -> Response:
        table = self._table(request.path_params["object"])
        table.update(_found(table, request.path_params["id"]).id, _fields(await _json(request)))
        return Response(status_code=204)

    async def remove(self, request: Request) -> Response:
        table = self._table(request.path_params["object"])
        table.delete(_found(table, request.path_params["id"]).id)
        return Response(status_code=204)

    async def upsert(self, request: Request) -> Response:
        path = request.path_params
        table, values = self._table(path["object"]), _fields(await _json(request))
        update_only = request.query_params.get("updateOnly", "").lower() == "true"
        if update_only and self._org.find(table, path["field"], path["value"]) is None:
            raise Refused("not_found", "The requested resource does not exist")
        row, created = upsert(self._org, table, path["field"], {path["field"]: path["value"], **values})
        return JSONResponse({"id": row.id, "success": True, "errors": [], "created": created}, 201 if created else 200)

    async def create_many(self, request: Request) -> Response:
        return await self._many(request, lambda table, values: {"id": table.insert(values).id})

    async def change_many(self, request: Request) -> Response:
        def change(table: Table, values: Row) -> Row:
            key = values.pop("id", None) or values.pop("Id", None)
            if not key:
                raise Refused("id_missing", "Id not specified in an update call")
            return {"id": table.update(long_id(str(key)), values).id}

        return await self._many(request, change)

    async def upsert_many(self, request: Request) -> Response:
        name = request.path_params["field"]

        def save(table: Table, values: Row) -> Row:
            row, created = upsert(self._org, table, name, values)
            return {"id": row.id, "created": created}

        return await self._many(request, save)

    async def remove_many(self, request: Request) -> Response:
        found: list[Row] = []
        for key in request.query_params.get("ids", "").split(","):
            table = next((table for table in self._org.tables.values() if long_id(key) in table.rows), None)
            found.append(_result(key, lambda table=table, key=key: _removed(table, key)))
        return JSONResponse(found)

    async def read_many(self, request: Request) -> Response:
        table, body = self._table(request.path_params["object"]), await _json(request)
        rows = (table.rows.get(long_id(key)) for key in body.get("ids", []))
        names, version = tuple(body.get("fields", ["Id"])), request.path_params["version"]
        return JSONResponse(
            [None if row is None or row.deleted else _record(self._org, table, row, names, version) for row in rows]
        )

    async def _many(self, request: Request, save: Callable[[Table, Row], Row]) -> Response:
        records = (await _json(request)).get("records", [])
        if len(records) > COLLECTION_ROWS:
            raise Refused("too_many", f"record limit reached. cannot submit more than {COLLECTION_ROWS} records")
        found: list[Row] = []
        for record in records:  # a field that is not there refuses the call, not the record
            table = self._table(record.get("attributes", {}).get("type", ""))
            strange = next((name for name in _fields(record) if name not in table.fields and name != "id"), None)
            if strange is not None:
                raise unknown(table, strange)
        for record in records:
            table = self._table(record["attributes"]["type"])
            found.append(_result(None, lambda table=table, record=record: save(table, _fields(record))))
        return JSONResponse(found)

    def _table(self, name: str) -> Table:
        return table_of(self._org, name)


def select(org: Org, text: str, deleted: bool) -> tuple[soql.Query, list[Record]]:
    """Rows of a query in their order; raises ``Refused`` and ``SoqlError`` as ``Refused``."""
    try:
        query = soql.parse(text)
        table = table_of(org, query.object)
        probe = View(org, table, Record("", 0, {}, org.now(), org.now()))
        for name in query.names:
            _ = probe[name]
        views = [View(org, table, row) for row in table if deleted or row.deleted is None]
        views = [view for view in views if query.test(view)]
    except soql.SoqlError as error:
        raise Refused(error.code, str(error)) from None
    kept = soql.ordered(views, query.order)
    rows = [view.row for view in kept if isinstance(view, View)]
    return query, rows if query.limit is None else rows[: query.limit]


def upsert(org: Org, table: Table, name: str, values: Mapping[str, Any], at: Any = None) -> tuple[Record, bool]:
    """Change the row that an external id names, or make it; True where it was made."""
    column = table.fields.get(name)
    if column is None or not (column.unique or name == "Id"):
        raise Refused("unknown_field", f"field {name} is no external id of {table.name}", name)
    given = values.get(name)
    rest = {key: value for key, value in values.items() if key != "Id"}
    row = None if given in (None, "") else org.find(table, name, given)
    if row is None:
        if name != "Id" and given in (None, ""):
            raise Refused("id_missing", f"{name} not specified")
        return table.insert(rest, at), True
    return table.update(row.id, rest, at), False


def table_of(org: Org, name: str) -> Table:
    """An object by its name, in any case; raises ``Refused``."""
    found = next((table for key, table in org.tables.items() if key.lower() == name.lower()), None)
    if found is None:
        raise Refused("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return found


def error_answer(error: Exception) -> Response:
    """A refusal as REST answers it: a list of one error."""
    if not isinstance(error, Refused):
        raise error
    own = {"cursor": "INVALID_QUERY_LOCATOR", "not_found": "NOT_FOUND", "too_many": "INVALID_BATCH_SIZE"}
    try:
        name = own.get(error.code) or code(error)
    except KeyError:
        name = error.code
    status = 404 if error.code in ("not_found", "missing", "deleted") else 400
    body: Row = {"message": error.message, "errorCode": "NOT_FOUND" if error.code == "missing" else name}
    return JSONResponse([body | ({"fields": [error.field]} if error.field else {})], status)


def _result(key: str | None, save: Callable[[], Row]) -> Row:
    try:
        return {"success": True, "errors": []} | save()
    except Refused as refused:
        problem = {
            "statusCode": code(refused),
            "message": refused.message,
            "fields": [refused.field] if refused.field else [],
        }
        return {"success": False, "errors": [problem]} | ({"id": key} if key else {})


def _removed(table: Table | None, key: str) -> Row:
    if table is None:
        raise Refused("missing", f"no record {key}")
    table.delete(long_id(key))
    return {"id": long_id(key)}


def _record(org: Org, table: Table, row: Record, names: tuple[str, ...], version: str) -> Row:
    address = f"/services/data/{version}/sobjects/{table.name}/{row.id}"
    found: Row = {"attributes": {"type": table.name, "url": address}}
    for name in names:
        value = org.value(table, row, name)
        head, _, rest = name.partition(".")
        if not rest:
            found[name] = json_value(table.fields[name], value)
        elif row.values.get(f"{head}Id") is None:
            found[head] = None
        else:
            owner = f"/services/data/{version}/sobjects/User/{row.values[f'{head}Id']}"
            part = found.setdefault(head, {"attributes": {"type": "User", "url": owner}})
            part[rest] = json_value(org.tables["User"].fields[rest], value)
    return found


def _described(column: Field) -> Row:
    options = [{"value": value, "label": value, "active": True, "defaultValue": False} for value in column.options]
    custom = column.name.endswith("__c")
    return {
        "name": column.name,
        "label": column.label or column.name,
        "type": _TYPES.get(column.kind, column.kind),
        "length": column.length if column.kind in ("text", "email", "id", "reference", "picklist") else 0,
        "precision": column.length + column.scale if column.kind == "number" else 0,
        "scale": column.scale,
        "custom": custom,
        "nillable": not column.required,
        "createable": column.writable,
        "updateable": column.writable,
        "externalId": custom and column.unique,
        "idLookup": column.unique or column.name == "Id",
        "unique": column.unique,
        "relationshipName": column.name.removesuffix("Id") if column.kind == "reference" else None,
        "referenceTo": ["Group", "User"] if column.kind == "reference" else [],
        "restrictedPicklist": column.kind == "picklist",
        "picklistValues": options,
    }


def _found(table: Table, key: str) -> Record:
    return table.get(long_id(key))


def _fields(body: Row) -> Row:
    return {name: value for name, value in body.items() if name != "attributes"}


async def _json(request: Request) -> Row:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Refused("JSON_PARSER_ERROR", "The HTTP entity body is required, but this request is not JSON") from None
    return body if isinstance(body, dict) else {}


def _batch_size(header: str, most: int) -> int:
    name, _, number = header.partition("=")
    return min(most, max(200, int(number))) if name.strip().lower() == "batchsize" else most


def encoded(text: str) -> str:
    """Base64 of text, as locators look."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
