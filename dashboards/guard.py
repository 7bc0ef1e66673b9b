"""Stands before every request: who may connect at all, and which headers each answer carries."""

from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.access import REFUSAL, reader_of

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",  # an address may carry a ticket
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "content-security-policy": "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'",
}
CLOSED = ("/_stcore/metrics", "/_stcore/agent")  # served without a login by Streamlit; nobody needs them here


class Guard:
    """ASGI middleware; websockets pass the same door as requests."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse strangers, close what is not ours to show, and set the headers."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if reader_of(_peer(scope), Headers(scope=scope)) is None:
            await _refuse(scope, receive, send, REFUSAL, 403)
            return
        if scope["path"].startswith(CLOSED):
            await _refuse(scope, receive, send, "not found", 404)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


def _peer(scope: Scope) -> str | None:
    client: Any = scope.get("client")
    return client[0] if client else None


async def _refuse(scope: Scope, receive: Receive, send: Send, text: str, status: int) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        return
    await PlainTextResponse(text, status, headers=HEADERS)(scope, receive, send)
