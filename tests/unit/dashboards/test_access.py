"""Without a login only this machine is let in, and whoever is turned away is logged."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dashboards import access
from dashboards.access import LOCAL, reader_of, same_origin, tenants_for
from dashboards.guard import Guard
from governance.access.claims import local_user
from governance.access.log import AccessLog
from governance.settings import Settings
from governance.state import State


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


@pytest.mark.parametrize(
    ("origin", "public", "ours"),
    [
        (None, None, True),  # no browser, so no page that could be somebody else's
        ("http://localhost:8501", None, True),
        ("https://rolecall.acme.example", "https://rolecall.acme.example", True),  # a proxy may pass another Host on
        ("http://localhost:9999", None, False),
        ("https://evil.example", "https://rolecall.acme.example", False),
        ("null", None, False),
        ("null", "https://rolecall.acme.example", False),
    ],
)
def test_a_socket_is_opened_by_our_own_pages(origin: str | None, public: str | None, ours: bool) -> None:
    headers = {"Host": "localhost:8501"} | ({} if origin is None else {"Origin": origin})
    settings = Settings(public_url=public, _env_file=None)  # type: ignore[call-arg]
    assert same_origin(settings, headers) is ours


def test_tenants_are_those_in_scope() -> None:
    assert tenants_for(LOCAL, ["globex", "acme"]) == ["acme", "globex"]
    assert tenants_for(replace(local_user("x"), tenants=frozenset({"acme"})), ["globex", "acme"]) == ["acme"]
    assert tenants_for(None, ["acme"]) == []


COOKIES = (b"one=1; Path=/; HttpOnly", b"two=2; Secure; Path=/")


def call(path: str, client: str, kind: str = "http") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        cookies = [(b"set-cookie", value) for value in COOKIES]
        await send({"type": "http.response.start", "status": 200, "headers": cookies})
        await send({"type": "http.response.body", "body": b"inside"})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    scope = {"type": kind, "path": path, "method": "GET", "client": (client, 1), "headers": [(b"host", b"localhost")]}
    asyncio.run(Guard(inner)(scope, receive, send))
    return sent


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECALL_HOME", str(tmp_path))


def test_guard_refuses_strangers_on_requests_and_websockets(tmp_path: Path) -> None:
    assert call("/", "10.0.0.4")[0]["status"] == 403
    assert call("/_stcore/stream", "10.0.0.4", "websocket") == [
        {"type": "websocket.close", "code": 1008, "reason": "refused"}
    ]


def test_guard_logs_strangers_once_a_minute(tmp_path: Path) -> None:
    for _ in range(3):
        call("/", "10.0.0.9")
    state = State.open(f"sqlite:///{tmp_path / 'state.db'}")
    log = AccessLog(state).frame()
    state.close()
    assert 1 <= log.height <= 2  # a minute may end in between
    assert log["why"].unique().to_list() == ["stranger"]
    assert log["source"].unique().to_list() == ["10.0.0.9"]


def test_guard_sets_headers_and_closes_metrics() -> None:
    headers = dict(call("/", "127.0.0.1")[0]["headers"])
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert b"strict-transport-security" not in headers
    cookies = [value for name, value in call("/", "127.0.0.1")[0]["headers"] if name == b"set-cookie"]
    assert cookies == list(COOKIES)
    assert call("/_stcore/metrics", "127.0.0.1")[0]["status"] == 404


def test_a_public_address_of_tls_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLECALL_PUBLIC_URL", "https://rolecall.example.com")
    headers = dict(call("/", "127.0.0.1")[0]["headers"])
    assert headers[b"strict-transport-security"] == b"max-age=31536000"
    cookies = [value for name, value in call("/", "127.0.0.1")[0]["headers"] if name == b"set-cookie"]
    assert cookies == [COOKIES[0] + b"; Secure", COOKIES[1]]


def test_the_cookie_of_a_login_is_streamlits() -> None:
    from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

    assert access.COOKIE == USER_COOKIE_NAME


@pytest.mark.parametrize(
    ("set_cookie", "found"),
    [
        (None, False),
        (b"_streamlit_user=2|1:0|abc; Path=/; HttpOnly", True),
        (b'_streamlit_user=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/', False),
        (b"_streamlit_user_tokens=abc; Path=/", False),
    ],
)
def test_an_answer_brings_a_login_or_takes_it_away(set_cookie: bytes | None, found: bool) -> None:
    headers = [(b"location", b"/")] + ([] if set_cookie is None else [(b"Set-Cookie", set_cookie)])
    assert access.brings_login(headers) is found
