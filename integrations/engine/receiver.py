"""The gateway's routes: thin shells around ``intake`` and the launch registry, described for /docs."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from governance.inbox import UnavailableError, UnstorableError
from integrations.engine import examples
from integrations.engine.intake import Intake
from integrations.engine.launching import LaunchDesk
from integrations.engine.refusals import Refusal

CHANNELS = {
    "webhook": "Conversation webhooks: the address for a conversation's `callback_url`.",
    "objective": "Objective callbacks, in the documented and in the observed shape.",
    "guardrail": "Guardrail callbacks. They carry no time; the receipt time is kept.",
    "tool": "Tool calls delivered by API, signed with `X-Tavus-Signature`.",
    "relay": "In-call events, relayed by the client application: one event, an array, or one event a line.",
}
PATHS = {
    "webhook": "/engine/webhook",
    "objective": "/engine/objectives",
    "guardrail": "/engine/guardrails",
    "tool": "/engine/tools",
    "relay": "/engine/relay",
}
GONE = Response(status_code=400)  # for a sender that hung up; nobody reads it

Endpoint = Callable[[Request], Awaitable[Response]]


def router(intake: Intake, desk: LaunchDesk) -> APIRouter:
    """Every route under /v1."""
    routes = APIRouter(prefix="/v1")
    for channel, path in PATHS.items():
        routes.add_api_route(
            path,
            _delivery(intake, channel),
            methods=["POST"],
            name=f"deliver_{channel}",
            summary=CHANNELS[channel].split(":")[0].split(",")[0].rstrip("."),
            description=CHANNELS[channel],
            tags=["engine"],
            responses=examples.DELIVERY_ANSWERS,
            openapi_extra=examples.request_body(channel),
        )
    routes.add_api_route(
        "/launches",
        _launches(intake, desk),
        methods=["POST"],
        name="record_launches",
        summary="Record launches",
        description="Binds conversations to tenant, learner and scenario; answers each with its own callback path.",
        tags=["launches"],
        responses=examples.LAUNCH_ANSWERS,
        openapi_extra=examples.request_body("launches"),
    )
    return routes


def _delivery(intake: Intake, channel: str) -> Endpoint:
    async def deliver(request: Request) -> Response:
        answer = await intake.receive(request, channel)
        return reply(answer.status, answer.body)

    return _guarded(deliver, intake, channel)


def _launches(intake: Intake, desk: LaunchDesk) -> Endpoint:
    async def record(request: Request) -> Response:
        caller = intake.caller(request)
        body = await intake.body(request)
        try:
            status, answer = await desk.record(body, caller)
            return reply(status, answer)
        finally:
            intake.budget.give_back(len(body))

    return _guarded(record, intake, "launch")


def _guarded(endpoint: Endpoint, intake: Intake, channel: str) -> Endpoint:
    """Turn refusals and a database that is away into answers; count them."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            cause = refusal
        except (UnavailableError, UnstorableError) as error:
            cause = intake.complain(error)
        except ClientDisconnect:
            return GONE
        except Exception as error:  # the last line of defence: the server's own would log what people said
            cause = intake.fail(error)
        intake.meters.refused.labels(channel, cause.rule).inc()
        return reply(cause.status, cause.line, cause.headers)

    return guarded


def reply(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
