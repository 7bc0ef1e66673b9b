"""Stands before every request: who may connect at all, and which headers each answer carries."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.access import (
    REFUSAL,
    brings_login,
    carries_login,
    cookie_claims,
    expected_host,
    login_configured,
    reader_of,
    same_origin,
    source,
    visitor,
)
from dashboards.content_policy import policy
from dashboards.looks import note_refusal
from governance.settings import Settings
from governance.web_headers import adding, encoded, headers, over_tls

FILES = ("/media/", "/_stcore/upload_file", "/component/media/")  # Streamlit hands these out to anybody
CALLBACK = "/oauth2callback"  # where the login provider sends people back to
STREAM = "/_stcore/stream"  # the socket that a page is drawn over, opened once for each visit
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
        refusal = await run_in_threadpool(_door, scope)
        if refusal is not None:
            await _refuse(scope, receive, send, refusal, 403)
            return
        if scope["path"].startswith(CLOSED):
            await _refuse(scope, receive, send, "not found", 404)
            return
        tls = _by_tls(scope)
        answered = _noting_logins(scope, send) if scope["path"] == CALLBACK else send
        answered = _securing_cookies(answered) if tls else answered
        await self.app(scope, receive, adding(answered, encoded(_headers(scope, tls=tls))))


def _door(scope: Scope) -> str | None:
    """Why this request may not come in at all; ``None`` where it may.

    With a login the pages themselves ask who reads, and so do our own routes; Streamlit's files do not.
    """
    settings, given, peer = Settings(), Headers(scope=scope), _peer(scope)
    if not login_configured(settings):
        known, why = reader_of(peer, given) is not None, REFUSAL
    elif scope["path"].startswith(FILES):
        known, why = visitor(settings, peer, given) is not None, "log in first"
    else:
        known, why = expected_host(settings, given), "this address is not ROLECALL_PUBLIC_URL"
        if known and scope["path"] == STREAM and carries_login(given) and cookie_claims(given) is None:
            note_refusal(settings, None, "log_in", "cookie", source(peer, given), "a cookie that is not ours")
    if known and scope["type"] == "websocket" and not same_origin(settings, given):
        note_refusal(settings, None, "connect", "origin", source(peer, given), given["origin"])
        return "this page is not ours"
    if known:
        return None
    note_refusal(settings, None, "connect", "stranger", source(peer, given), scope["path"])
    return why


def _noting_logins(scope: Scope, send: Send) -> Send:
    """``send``, with an entry of the access log where the answer brings nobody's login.

    Streamlit checks the provider's token, its signature, audience and end, and says in the answer's cookie alone what
    came of it.
    """

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and not brings_login(message["headers"]):
            where = source(_peer(scope), Headers(scope=scope))
            what = "an answer of the provider that does not hold"
            await run_in_threadpool(note_refusal, Settings(), None, "log_in", "login", where, what)
        await send(message)

    return sending


def _peer(scope: Scope) -> str | None:
    client: Any = scope.get("client")
    return client[0] if client else None


async def _refuse(scope: Scope, receive: Receive, send: Send, text: str, status: int) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        return
    await PlainTextResponse(text, status, headers=_headers(scope, tls=_by_tls(scope)))(scope, receive, send)


def _by_tls(scope: Scope) -> bool:
    """Whether the browser speaks TLS; whoever comes by the public address does if that is one of TLS."""
    return over_tls(scope) or (Settings().public_url or "").startswith("https:")


def _headers(scope: Scope, *, tls: bool) -> dict[str, str]:
    return headers(policy(Headers(scope=scope).get("host", "")), tls=tls)


def _securing_cookies(send: Send) -> Send:
    """``send``, with every cookie kept from plain HTTP; Streamlit leaves that out, for logins without TLS."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [(name, _secured(name, value)) for name, value in message["headers"]]
        await send(message)

    return sending


def _secured(name: bytes, value: bytes) -> bytes:
    if name.lower() != b"set-cookie" or b"; secure" in value.lower():
        return value
    return value + b"; Secure"
