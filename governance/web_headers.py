"""Headers that every answer of our servers carries, and the ASGI step that adds them.

What a route sets itself stays: a page that needs more than its server's policy allows says so.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Raw = list[tuple[bytes, bytes]]

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",  # an address may carry a token or a ticket
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
# Of answers that are data: a browser that shows one as a page runs nothing in it.
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
TLS_ONLY = {"strict-transport-security": "max-age=31536000"}  # a year; subdomains are their owner's business


def headers(policy: str, *, tls: bool) -> dict[str, str]:
    """The headers of an answer under a Content-Security-Policy; ``tls`` says that the browser came by TLS."""
    return ALWAYS | {"content-security-policy": policy} | (TLS_ONLY if tls else {})


def over_tls(scope: Message) -> bool:
    """Whether the browser speaks TLS, to us or to the proxy in front of us.

    Anybody can claim it, and is then told so themselves: a browser ignores the header that follows on plain HTTP.
    """
    forwarded = next((value for name, value in scope["headers"] if name == b"x-forwarded-proto"), b"")
    return scope.get("scheme") in ("https", "wss") or forwarded.split(b",")[0].strip() == b"https"


def encoded(wanted: dict[str, str]) -> Raw:
    """Headers as ASGI wants them."""
    return [(name.encode(), value.encode()) for name, value in wanted.items()]


def adding(send: Send, wanted: Raw) -> Send:
    """``send``, with the headers that are wanted and that the answer does not set itself."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            message["headers"] = given + [header for header in wanted if header[0] not in names]
        await send(message)

    return sending


class DataHeaders:
    """ASGI middleware of a server whose answers are data."""

    def __init__(self, app: Callable[[Message, Any, Send], Awaitable[None]]) -> None:
        self.app = app
        self._plain, self._tls = (encoded(headers(DATA_POLICY, tls=tls)) for tls in (False, True))

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Pass the request on and add the headers to its answer."""
        if scope["type"] == "http":
            send = adding(send, self._tls if over_tls(scope) else self._plain)
        await self.app(scope, receive, send)
