"""A simulated HubSpot: records, searches, batches, owners, properties, associations, over a ``Portal``.

Served under the dated paths (``/crm/objects/2026-03/contacts``) and, for the clients in the field, under v3 and v4.
Validation rules of the administrator bind API writes from 2026-09 on.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.crm.simulators.faults import Disturbed, http_date
from integrations.crm.simulators.hubspot_catalogue import TYPE_IDS
from integrations.crm.simulators.hubspot_objects import Objects
from integrations.crm.simulators.hubspot_portal import WINDOW_S, Owner, Portal, problem, refusal, too_many
from integrations.crm.simulators.hubspot_schema import Schema
from integrations.crm.simulators.store import Refused

__all__ = ["Owner", "Portal", "app", "too_many"]
READS = ("/search", "/batch/read")
Handler = Callable[[Request], Awaitable[Response]]


def app(portal: Portal) -> ASGIApp:
    """The portal's addresses, behind its fault switches."""
    objects, schema = Objects(portal), Schema(portal)
    inside = [
        Mount("/v3/objects", routes=objects.routes()),
        Mount("/v4/objects", routes=objects.links()),
        *schema.owners("/v3/owners"),
        Mount("/v3/properties", routes=schema.properties()),
        Mount("/objects/{version}", routes=[*objects.routes(), *objects.links()]),
        *schema.owners("/owners/{version}"),
        Mount("/properties/{version}", routes=schema.properties()),
    ]
    routes = [Mount("/crm", routes=inside, middleware=[Middleware(_Guarded, portal=portal)])]
    handlers: Any = {Refused: _refused, 404: _not_found}
    return Disturbed(Starlette(routes=routes, exception_handlers=handlers), portal.faults)


class _Guarded:
    """Lets calls with a token, a scope and allowance through; says in every answer but a search's what is left."""

    def __init__(self, app: ASGIApp, portal: Portal) -> None:
        self._app, self._portal = app, portal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        refused = self._denied(request)
        left = None if refused else self._portal.spend()
        if refused is None and left is None:
            status, headers, body = too_many(retry_after=None)
            refused = Response(body, status, dict(headers))
        if refused is not None:
            await refused(scope, receive, send)
            return
        search = request.url.path.endswith("/search")

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                allowance = [] if search else self._headers(left or 0)
                message["headers"] = [*message["headers"], *allowance, http_date(self._portal.now())]
            await send(message)

        await self._app(scope, receive, counted)

    def _headers(self, left: int) -> list[tuple[bytes, bytes]]:
        portal = self._portal
        shown = {
            "max": portal.burst,
            "remaining": left,
            "interval-milliseconds": WINDOW_S * 1000,
            "daily": portal.daily,
            "daily-remaining": portal.daily - portal.used,
        }
        return [(f"x-hubspot-ratelimit-{name}".encode(), str(value).encode()) for name, value in shown.items()]

    def _denied(self, request: Request) -> Response | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self._portal.expired:
            return JSONResponse(problem("EXPIRED_AUTHENTICATION", "The access token is expired."), 401)
        if token not in self._portal.tokens:
            message = "Authentication credentials not found or invalid."
            return JSONResponse(problem("INVALID_AUTHENTICATION", message), 401)
        parts = request.url.path.removeprefix("/crm/").split("/")
        if "-" in "".join(parts[1:2]) and parts[1] not in self._portal.versions:
            return JSONResponse(problem("OBJECT_NOT_FOUND", f"API version {parts[1]} is not served"), 404)
        needed = _scope(request.method, [part for part in parts if not part.startswith("v")] or parts)
        if needed is None or needed in self._portal.tokens[token]:
            return None
        message = "This app hasn't been granted all required scopes to make this call."
        detail = {
            "message": "One or more of the following scopes are required.",
            "context": {"requiredScopes": [needed]},
        }
        return JSONResponse(problem("MISSING_SCOPES", message, errors=[detail], links={}), 403)


def _scope(method: str, parts: list[str]) -> str | None:
    """The scope a call needs: what is asked for, of which type, for reading or writing."""
    area, rest = parts[0], [part for part in parts[1:] if part and not part[:4].isdigit()]
    if area == "owners":
        return "crm.objects.owners.read"
    kind = TYPE_IDS.get(rest[0], rest[0]) if rest else ""
    if kind == "tickets":
        return "tickets"
    if area == "properties":
        return f"crm.schemas.{kind}.read" if method == "GET" else None
    reads = method == "GET" or "/".join(["", *rest]).endswith(READS)
    return f"crm.objects.{kind}.{'read' if reads else 'write'}"


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    status = {"missing": 404, "deleted": 404, "duplicate": 409}.get(error.code, 400)
    return JSONResponse(refusal(error), status)


async def _not_found(_: Request, __: Exception) -> Response:
    return JSONResponse(problem("OBJECT_NOT_FOUND", "resource not found"), 404)
