"""Owners and the catalogue of properties of the simulated HubSpot."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from integrations.crm.simulators.hubspot_portal import Owner, Portal, text
from integrations.crm.simulators.store import Field, Kind, Refused

_TYPES = {
    "number": ("number", "number"),
    "date": ("date", "date"),
    "datetime": ("datetime", "date"),
    "picklist": ("enumeration", "select"),
    "boolean": ("bool", "booleancheckbox"),
}
_KINDS: dict[str, Kind] = {"number": "number", "date": "date", "datetime": "datetime", "enumeration": "picklist"}
Row = dict[str, Any]


class Schema:
    """Handlers over one portal."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def owners(self, base: str) -> list[BaseRoute]:
        """Addresses of owners; the list answers with and without a final slash."""
        return [Route(base, self.owner_list), Route(f"{base}/", self.owner_list), Route(f"{base}/{{id}}", self.owner)]

    def properties(self) -> list[BaseRoute]:
        """Addresses below ``/crm/properties/<version>``."""
        return [
            Route("/{type}", self.property_list, methods=["GET"]),
            Route("/{type}", self.property_create, methods=["POST"]),
            Route("/{type}/{name}", self.property, methods=["GET"]),
        ]

    async def owner_list(self, request: Request) -> Response:
        query = request.query_params
        archived, email = query.get("archived", "").lower() == "true", query.get("email")
        limit, after = min(500, int(query.get("limit") or 100)), int(query.get("after") or 0)
        found = [owner for owner in self._portal.owners if owner.archived is archived and email in (None, owner.email)]
        body: Row = {"results": [self._owner(owner) for owner in found[after : after + limit]]}
        if after + limit < len(found):
            body["paging"] = {"next": {"after": str(after + limit)}}
        return JSONResponse(body)

    async def owner(self, request: Request) -> Response:
        for owner in self._portal.owners:
            if owner.id == request.path_params["id"]:
                return JSONResponse(self._owner(owner))
        raise Refused("missing", "resource not found")

    def _owner(self, owner: Owner) -> Row:
        at = text(self._portal.now())
        return {
            "id": owner.id,
            "email": owner.email,
            "type": "PERSON",
            "firstName": owner.first_name,
            "lastName": owner.last_name,
            "userId": None if owner.archived else int(owner.id),
            "userIdIncludingInactive": int(owner.id),
            "createdAt": at,
            "updatedAt": at,
            "archived": owner.archived,
        }

    async def property_list(self, request: Request) -> Response:
        table = self._portal.table(request.path_params["type"])
        return JSONResponse({"results": [_property(column) for column in table.fields.values()]})

    async def property(self, request: Request) -> Response:
        table = self._portal.table(request.path_params["type"])
        column = table.fields.get(request.path_params["name"])
        if column is None:
            raise Refused("missing", "Property does not exist")
        return JSONResponse(_property(column))

    async def property_create(self, request: Request) -> Response:
        table, body = self._portal.table(request.path_params["type"]), orjson.loads(await request.body())
        if body["name"] in table.fields:
            raise Refused("duplicate", f"A property named '{body['name']}' already exists.")
        options = tuple(option["value"] for option in body.get("options") or [])
        column = Field(
            body["name"], _KINDS.get(body["type"], "text"), body["label"], 65_536, options=options,
            unique=bool(body.get("hasUniqueValue")),
        )  # fmt: skip
        table.fields[column.name] = column
        return JSONResponse(_property(column), 201)


def _property(column: Field) -> Row:
    kind, control = _TYPES.get(column.kind, ("string", "text"))
    options = [
        {"label": value, "value": value, "hidden": False, "displayOrder": at, "description": ""}
        for at, value in enumerate(column.options)
    ]
    return {
        "name": column.name,
        "label": column.label or column.name,
        "type": kind,
        "fieldType": control,
        "description": "",
        "groupName": "roleplay" if column.name.startswith("roleplay_") else "information",
        "options": options,
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": False,
        "hasUniqueValue": column.unique,
        "hidden": False,
        "hubspotDefined": not column.name.startswith("roleplay_"),
        "modificationMetadata": {
            "archivable": column.writable,
            "readOnlyDefinition": not column.writable,
            "readOnlyValue": not column.writable,
        },
        "formField": column.writable,
    }
