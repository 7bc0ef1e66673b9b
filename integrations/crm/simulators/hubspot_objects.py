"""Records of the simulated HubSpot: one by one, in batches, searched, merged, associated."""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from integrations.crm.simulators.hubspot_catalogue import READ_ONLY
from integrations.crm.simulators.hubspot_portal import Portal, refusal, text
from integrations.crm.simulators.hubspot_search import search
from integrations.crm.simulators.store import Record, Refused, Table

BATCH_ROWS = 100
LIST_ROWS = 100
RULES_FROM = "2026-09"
NOT_FOUND = "Could not get some objects, they may be deleted or not exist. Check that ids are valid."
Row = dict[str, Any]
Save = Callable[[Table, Row, bool], tuple[Record, bool]]


class Objects:
    """Handlers over one portal."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def routes(self) -> list[BaseRoute]:
        """Addresses below ``/crm/objects/<version>``."""
        batch = "/{type}/batch"
        return [
            Route("/{type}", self.listed, methods=["GET"]),
            Route("/{type}", self.create, methods=["POST"]),
            Route("/{type}/search", self.search, methods=["POST"]),
            Route("/{type}/merge", self.merge, methods=["POST"]),
            Route(f"{batch}/read", self.read_many, methods=["POST"]),
            Route(f"{batch}/create", self.create_many, methods=["POST"]),
            Route(f"{batch}/update", self.update_many, methods=["POST"]),
            Route(f"{batch}/upsert", self.upsert_many, methods=["POST"]),
            Route(f"{batch}/archive", self.archive_many, methods=["POST"]),
            Route("/{type}/{id}", self.read, methods=["GET"]),
            Route("/{type}/{id}", self.update, methods=["PATCH"]),
            Route("/{type}/{id}", self.archive, methods=["DELETE"]),
        ]

    def links(self) -> list[BaseRoute]:
        """Associations, below the same address or v4's."""
        return [
            Route("/{type}/{id}/associations/default/{to}/{other}", self.associate, methods=["PUT"]),
            Route("/{type}/{id}/associations/{to}", self.associated, methods=["GET"]),
        ]

    async def listed(self, request: Request) -> Response:
        table, query = self._table(request), request.query_params
        archived = query.get("archived", "").lower() == "true"
        limit, after = min(LIST_ROWS, int(query.get("limit") or 10)), int(query.get("after") or 0)
        rows = sorted((row for row in table if _listed(row, archived)), key=lambda row: row.number)
        rows = [row for row in rows if int(row.id) > after]
        return JSONResponse(
            _page([self._portal.shown(table, row, _names(request)) for row in rows[:limit]], rows, limit)
        )

    async def search(self, request: Request) -> Response:
        table = self._table(request)
        body = await _json(request)
        rows, after, limit = search(self._portal, table, body)
        shown = [self._portal.shown(table, row, body.get("properties")) for row in rows[after : after + limit]]
        found: Row = {"total": len(rows), "results": shown}
        if after + limit < len(rows):
            found["paging"] = {"next": {"after": str(after + limit)}}
        return JSONResponse(found)

    async def create(self, request: Request) -> Response:
        table = self._writable(request)
        row = table.insert((await _json(request)).get("properties", {}), lenient=_lenient(request))
        return JSONResponse(self._portal.shown(table, row), 201)

    async def read(self, request: Request) -> Response:
        table, query = self._table(request), request.query_params
        row = self._find(
            table, query.get("idProperty"), request.path_params["id"], query.get("archived", "").lower() == "true"
        )
        return JSONResponse(self._portal.shown(table, row, _names(request)))

    async def update(self, request: Request) -> Response:
        table = self._writable(request)
        row = self._find(table, request.query_params.get("idProperty"), request.path_params["id"])
        row = table.update(row.id, (await _json(request)).get("properties", {}), lenient=_lenient(request))
        return JSONResponse(self._portal.shown(table, row))

    async def archive(self, request: Request) -> Response:
        table = self._writable(request)
        row = self._portal.find(table, None, request.path_params["id"])
        if row is not None:
            table.delete(row.id)
        return Response(status_code=204)

    async def merge(self, request: Request) -> Response:
        table, body = self._writable(request), await _json(request)
        row = self._portal.merge(table.name, str(body["primaryObjectId"]), str(body["objectIdToMerge"]))
        return JSONResponse(self._portal.shown(table, row))

    async def read_many(self, request: Request) -> Response:
        table, body = self._table(request), await _json(request)
        archived = request.query_params.get("archived", "").lower() == "true"
        results, missing = [], []
        for given in _inputs(body):
            try:
                row = self._find(table, body.get("idProperty"), given["id"], archived)
            except Refused:
                missing.append(str(given["id"]))
            else:
                results.append(self._portal.shown(table, row, body.get("properties")))
        errors = [refusal(Refused("missing", NOT_FOUND), {"ids": missing})] if missing else []
        return self._batch(results, errors, 200)

    async def create_many(self, request: Request) -> Response:
        def create(table: Table, given: Row, lenient: bool) -> tuple[Record, bool]:
            return table.insert(given.get("properties", {}), lenient=lenient), True

        return await self._save_many(request, create, 201)

    async def update_many(self, request: Request) -> Response:
        def update(table: Table, given: Row, lenient: bool) -> tuple[Record, bool]:
            row = self._find(table, given.get("idProperty"), given["id"])
            return table.update(row.id, given.get("properties", {}), lenient=lenient), False

        return await self._save_many(request, update, 200)

    async def upsert_many(self, request: Request) -> Response:
        def upsert(table: Table, given: Row, lenient: bool) -> tuple[Record, bool]:
            name = given.get("idProperty")
            if name is None or name not in table.fields or not table.fields[name].unique:
                raise Refused("id_property", f"idProperty {name} is not a property with unique values", name)
            row = self._portal.find(table, name, given["id"])
            properties = {name: given["id"], **given.get("properties", {})}
            if row is None:
                return table.insert(properties, lenient=lenient), True
            return table.update(row.id, properties, lenient=lenient), False

        return await self._save_many(request, upsert, 200, new=True)

    async def archive_many(self, request: Request) -> Response:
        table = self._writable(request)
        for given in _inputs(await _json(request)):
            row = self._portal.find(table, None, given["id"])
            if row is not None:
                table.delete(row.id)
        return Response(status_code=204)

    async def _save_many(self, request: Request, save: Save, status: int, new: bool = False) -> Response:
        """Save record by record where every input carries a trace id; else all of them or none."""
        table, inputs = self._writable(request), _inputs(await _json(request))
        lenient = _lenient(request)
        _no_doubles(inputs)
        _known_properties(table, inputs)
        one_by_one = self._portal.multi_status and all(given.get("objectWriteTraceId") for given in inputs)
        if not one_by_one:
            self._rehearse(table, inputs, save, lenient)
        results, errors = [], []
        for given in inputs:
            try:
                row, created = save(table, given, lenient)
            except Refused as refused:
                errors.append(refusal(refused, _context(given)))
                continue
            shown = self._portal.shown(table, row, given.get("properties"))
            trace = {"objectWriteTraceId": given["objectWriteTraceId"]} if given.get("objectWriteTraceId") else {}
            results.append(shown | trace | ({"new": created} if new else {}))
        return self._batch(results, errors, status)

    def _rehearse(self, table: Table, inputs: list[Row], save: Save, lenient: bool) -> None:
        """Raise the first refusal before anything is saved."""
        for given in inputs:
            row = None if "id" not in given else self._portal.find(table, given.get("idProperty"), given["id"])
            if row is None and save.__name__ == "update":
                raise Refused("missing", NOT_FOUND)
            table.check(given.get("properties", {}), row, lenient)

    def _batch(self, results: list[Row], errors: list[Row], status: int) -> Response:
        at = text(self._portal.now())
        body: Row = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at, "requestedAt": at}
        if not errors:
            return JSONResponse(body, status)
        return JSONResponse(body | {"numErrors": len(errors), "errors": errors}, 207)

    async def associate(self, request: Request) -> Response:
        path = request.path_params
        table, other = self._table(request), self._portal.table(path["to"])
        one, two = self._find(table, None, path["id"]), self._find(other, None, path["other"])
        for here, there in (((table.name, one.id), (other.name, two.id)), ((other.name, two.id), (table.name, one.id))):
            known = self._portal.links.setdefault(here, [])
            if there not in known:
                known.append(there)
        kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}
        found = [{"from": {"id": one.id}, "to": {"id": two.id}, "associationSpec": kind}]
        return self._batch(found, [], 200)

    async def associated(self, request: Request) -> Response:
        table, other = self._table(request), self._portal.table(request.path_params["to"])
        known = self._portal.links.get((table.name, request.path_params["id"]), [])
        kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 3, "label": None}]
        return JSONResponse(
            {
                "results": [
                    {"toObjectId": int(key), "associationTypes": kinds} for name, key in known if name == other.name
                ]
            }
        )

    def _table(self, request: Request) -> Table:
        return self._portal.table(request.path_params["type"])

    def _writable(self, request: Request) -> Table:
        table = self._table(request)
        if table.name in READ_ONLY:
            raise Refused("read_only", f"{table.name} cannot be written")
        return table

    def _find(self, table: Table, name: str | None, key: Any, archived: bool = False) -> Record:
        if archived:
            row = table.rows.get(str(key))
            row = row if row is not None and _listed(row, archived) else None
        else:
            row = self._portal.find(table, name, key)
        if row is None:
            raise Refused("missing", NOT_FOUND)
        return row


def _listed(row: Record, archived: bool) -> bool:
    return (row.deleted is not None and row.merged_into is None) if archived else row.deleted is None


def _page(shown: list[Row], rows: list[Record], limit: int) -> Row:
    return {"results": shown} | ({"paging": {"next": {"after": shown[-1]["id"]}}} if len(rows) > limit else {})


def _context(given: Row) -> dict[str, list[str]]:
    found = {"ids": [str(given["id"])]} if "id" in given else {}
    return found | ({"objectWriteTraceId": [given["objectWriteTraceId"]]} if given.get("objectWriteTraceId") else {})


def _inputs(body: Row) -> list[Row]:
    inputs = body.get("inputs") or []
    if len(inputs) > BATCH_ROWS:
        raise Refused("too_many", f"The maximum batch size is {BATCH_ROWS}")
    return inputs


def _no_doubles(inputs: list[Row]) -> None:
    keys = [str(given["id"]) for given in inputs if "id" in given]
    doubles = sorted({key for key in keys if keys.count(key) > 1})
    if doubles:
        raise Refused("doubles", f"Duplicate IDs found in batch input: {doubles}")


def _known_properties(table: Table, inputs: list[Row]) -> None:
    """A property that is not there refuses the whole batch."""
    for given in inputs:
        for name in given.get("properties", {}):
            if name not in table.fields:
                raise Refused("unknown_field", f'Property "{name}" does not exist', name)


def _names(request: Request) -> list[str] | None:
    asked = [name for text in request.query_params.getlist("properties") for name in text.split(",")]
    return asked or None


def _lenient(request: Request) -> bool:
    version = request.path_params.get("version", "v3")
    return version.startswith("v") or version < RULES_FROM


async def _json(request: Request) -> Row:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Refused("json", "Invalid input JSON") from None
    return body if isinstance(body, dict) else {}
