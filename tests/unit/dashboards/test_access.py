"""Nobody may do anything by default, and only this machine is let in."""

import asyncio
from typing import Any

import pytest

from dashboards.access import LOCAL, Reader, authorize, reader_of, tenants_for
from dashboards.guard import Guard


@pytest.mark.parametrize(
    ("reader", "action", "tenant", "allowed"),
    [
        (LOCAL, "view_aggregates", "acme", True),
        (LOCAL, "play_recording", "acme", True),
        (LOCAL, "export_everything", "acme", False),
        (Reader("x", "stranger"), "view_aggregates", "acme", False),
        (Reader("x", "local", frozenset({"acme"})), "open_session", "acme", True),
        (Reader("x", "local", frozenset({"acme"})), "open_session", "globex", False),
        (None, "view_aggregates", "acme", False),
    ],
)
def test_authorize(reader: Reader | None, action: Any, tenant: str, allowed: bool) -> None:
    assert authorize(reader, action, tenant) is allowed


@pytest.mark.parametrize(
    ("address", "headers", "known"),
    [
        ("127.0.0.1", {"host": "localhost:8501"}, True),
        ("::1", {"host": "[::1]:8501"}, True),
        ("::ffff:127.0.0.1", {"host": "127.0.0.1"}, True),
        ("10.0.0.4", {"host": "localhost:8501"}, False),
        ("127.0.0.1", {"host": "rebound.example:8501"}, False),
        ("127.0.0.1", {}, False),
        ("127.0.0.1", {"host": "localhost", "X-Forwarded-For": "10.0.0.4"}, False),
        ("127.0.0.1", {"host": "localhost", "forwarded": "for=10.0.0.4"}, False),
        (None, {"host": "localhost"}, False),
        ("not an address", {"host": "localhost"}, False),
    ],
)
def test_reader_is_known_on_this_machine_alone(address: str | None, headers: dict[str, str], known: bool) -> None:
    assert (reader_of(address, headers) is not None) is known


def test_tenants_are_those_in_scope() -> None:
    assert tenants_for(LOCAL, ["globex", "acme"]) == ["acme", "globex"]
    assert tenants_for(Reader("x", "local", frozenset({"acme"})), ["globex", "acme"]) == ["acme"]
    assert tenants_for(None, ["acme"]) == []


def call(path: str, client: str, kind: str = "http") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    scope = {"type": kind, "path": path, "method": "GET", "client": (client, 1), "headers": [(b"host", b"localhost")]}
    asyncio.run(Guard(inner)(scope, receive, send))
    return sent


def test_guard_refuses_strangers_on_requests_and_websockets() -> None:
    assert call("/", "10.0.0.4")[0]["status"] == 403
    assert call("/_stcore/stream", "10.0.0.4", "websocket") == [
        {"type": "websocket.close", "code": 1008, "reason": "refused"}
    ]


def test_guard_sets_headers_and_closes_metrics() -> None:
    headers = dict(call("/", "127.0.0.1")[0]["headers"])
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert call("/_stcore/metrics", "127.0.0.1")[0]["status"] == 404
