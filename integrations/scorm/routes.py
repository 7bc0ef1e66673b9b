"""The gateway's routes for packages: thin shells around ``service``, with the CORS that a browser asks for.

A page in an LMS posts ``text/plain``, which needs no preflight, and gets its answer only when its origin is listed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from math import ceil

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from integrations.scorm.service import Asked, Reply, Service

LOG = logging.getLogger("rolecall.gateway")
ACTIONS = {
    "result": "The learner's result in the package's scenario, signed; or why there is none.",
    "claim": "Bind the LMS's learner id to the learner whose personal code was typed.",
    "login": "Where the learner proves by the company's login who they are.",
    "launch": "Start the role-play: makes the conversation at the engine and registers its launch.",
    "end": "End a conversation that the learner has finished.",
}
LARGEST_BODY = 8_192
MAX_AGE_S = "600"

Endpoint = Callable[[Request], Awaitable[Response]]


def router(service: Service, workers: Executor) -> APIRouter:
    """Every route under /v1/scorm."""
    routes = APIRouter(prefix="/v1/scorm", tags=["scorm"])
    for action, summary in ACTIONS.items():
        routes.add_api_route(
            f"/{action}", _asked(service, workers, action), methods=["POST"], name=f"scorm_{action}", summary=summary
        )
        routes.add_api_route(
            f"/{action}", _preflight(service, workers), methods=["OPTIONS"], include_in_schema=False,
            name=f"scorm_{action}_preflight",
        )  # fmt: skip
    return routes


def _asked(service: Service, workers: Executor, action: str) -> Endpoint:
    async def answer(request: Request) -> Response:
        origin = request.headers.get("origin", "")
        asked = await _read(request)
        if asked is None:
            return _reply(400, {"state": "refused"}, None)
        loop = asyncio.get_running_loop()
        try:
            found: Reply = await loop.run_in_executor(workers, service.answer, action, asked, origin)
        except Exception as error:  # a result that cannot be read must not show what was asked
            LOG.exception("the results service failed: %s", type(error).__name__)
            readable = await loop.run_in_executor(workers, service.known_origin, origin)
            return _reply(503, {"state": "unreachable"}, origin if readable else None)
        return _reply(found.status, found.body, found.readable_by, found.retry_after_s)

    return answer


def _preflight(service: Service, workers: Executor) -> Endpoint:
    async def allow(request: Request) -> Response:
        origin = request.headers.get("origin", "")
        known = await asyncio.get_running_loop().run_in_executor(workers, service.known_origin, origin)
        response = _reply(204 if known else 403, None, origin if known else None)
        if known:
            response.headers["Access-Control-Allow-Methods"] = "POST"
            response.headers["Access-Control-Allow-Headers"] = "Content-Type"
            response.headers["Access-Control-Max-Age"] = MAX_AGE_S
        return response

    return allow


async def _read(request: Request) -> Asked | None:
    """The request's body; None where it is too large or not what a package sends."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            return None
    try:
        return Asked.model_validate(orjson.loads(body))
    except (orjson.JSONDecodeError, ValidationError):
        return None


def _reply(status: int, body: object, readable_by: str | None, retry_after_s: float | None = None) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Origin"}
    if readable_by:
        headers |= {"Access-Control-Allow-Origin": readable_by, "Access-Control-Expose-Headers": "Retry-After"}
    if retry_after_s is not None:
        headers["Retry-After"] = str(ceil(retry_after_s))
    content = b"" if body is None else orjson.dumps(body)
    return Response(content, status, headers, media_type="application/json")
