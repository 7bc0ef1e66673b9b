"""The pull client against an engine that misbehaves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from integrations.engine.pull import PullClient, PullError, PullRefusedError, due

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler, waits: list[float] | None = None) -> PullClient:
    sleep = (waits if waits is not None else []).append
    return PullClient("https://engine.example", "k", httpx.MockTransport(handler), sleep=sleep, jitter=lambda: 0.5)


def answers(*found: httpx.Response | Exception) -> Handler:
    left = list(found)

    def handler(_: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler


def test_one_conversation_with_its_key() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.headers["x-api-key"] == "k"
        assert request.url.path == "/v2/conversations/c1"
        assert request.url.params["verbose"] == "true"
        return httpx.Response(200, json={"conversation_id": "c1"})

    assert client(handler).conversation("c1") == {"conversation_id": "c1"}


def test_no_such_conversation() -> None:
    assert client(answers(httpx.Response(404, json={"message": "not found"}))).conversation("c1") is None


def test_it_tries_again_and_waits_longer_each_time() -> None:
    waits: list[float] = []
    handler = answers(httpx.Response(503), httpx.ConnectError("no"), httpx.Response(200, json={"status": "ended"}))
    assert client(handler, waits).conversation("c1") == {"status": "ended"}
    assert waits == [0.5, 1.0]


def test_it_waits_as_long_as_it_is_told() -> None:
    waits: list[float] = []
    later = "Mon, 02 Nov 2099 12:00:00 GMT"
    handler = answers(
        httpx.Response(429, headers={"retry-after": "7"}),
        httpx.Response(429, headers={"retry-after": later}),
        httpx.Response(429, headers={"retry-after": "soon"}),
        httpx.Response(200, json={}),
    )
    client(handler, waits).conversation("c1")
    assert waits == [7.25, 60.25, 2.0]


def test_it_gives_up_with_a_reason() -> None:
    with pytest.raises(PullError, match=r"in 5 tries: status 500 on /v2/conversations/c1") as caught:
        client(answers(*[httpx.Response(500)] * 5)).conversation("c1")
    assert not caught.value.permanent


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (httpx.Response(401, json={"message": "Invalid access token"}), "check ROLECALL_ENGINE_KEY"),
        (httpx.Response(400, json={"error": "bad id"}), "bad id"),
        (httpx.Response(400, text="<html>"), "no reason given"),
    ],
)
def test_what_is_refused_is_not_tried_again(response: httpx.Response, message: str) -> None:
    with pytest.raises(PullRefusedError, match=message) as caught:
        client(answers(response)).conversation("c1")
    assert caught.value.permanent


@pytest.mark.parametrize("response", [httpx.Response(200, text="<html>"), httpx.Response(200, json=[1])])
def test_an_answer_that_is_none(response: httpx.Response) -> None:
    with pytest.raises(PullError, match="check ROLECALL_ENGINE_URL"):
        client(answers(response)).conversation("c1")


def paged(total: int, size: int, shift: bool = False) -> tuple[Handler, list[dict[str, Any]]]:
    asked: list[dict[str, Any]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        params = dict(request.url.params)
        asked.append(params)
        first = (int(params["page"]) - 1) * size - (1 if shift and params["page"] != "1" else 0)
        rows = [{"conversation_id": f"c{n}"} for n in range(first, min(first + size, total))]
        return httpx.Response(200, json={"data": rows, "total_count": total})

    return handler, asked


def test_page_by_page() -> None:
    handler, asked = paged(7, 3)
    found = [row["conversation_id"] for row in client(handler).conversations(status="ended", page_size=3)]
    assert found == [f"c{n}" for n in range(7)]
    assert [(one["page"], one["limit"], one["status"]) for one in asked] == [(str(n), "3", "ended") for n in (1, 2, 3)]


def test_a_row_that_moved_to_the_next_page_comes_once() -> None:
    handler, _ = paged(6, 3, shift=True)
    found = [row["conversation_id"] for row in client(handler).conversations(page_size=3)]
    assert found == ["c0", "c1", "c2", "c3", "c4"]


def test_deletion_for_good() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.params["hard"]) == ("DELETE", "true")
        return httpx.Response(204 if request.url.path.endswith("c1") else 404)

    assert client(handler).delete("c1")
    assert not client(handler).delete("c2")


def session(name: str, ended: float | None, last: float, **more: Any) -> dict[str, Any]:
    ago = {key: None if hours is None else NOW - timedelta(hours=hours) for key, hours in (("e", ended), ("l", last))}
    return {"engine_session_id": name, "ended_at": ago["e"], "last_received_at": ago["l"], "complete": False} | more


def test_what_is_due() -> None:
    sessions = [
        session("just ended", 0.1, 0.1),
        session("ended", 1, 1),
        session("ended earlier", 2, 2),
        session("complete", 2, 2, complete=True),
        session("running", None, 0.5),
        session("lost its shutdown", None, 7),
        session("pulled a moment ago", 3, 3, pulled_at=NOW - timedelta(minutes=10), pulls=0),
        session("pulled long ago", 4, 4, pulled_at=NOW - timedelta(hours=1), pulls=1),
        session("pulled often", 5, 5, pulled_at=NOW - timedelta(hours=1), pulls=5),
        session("given up", 24 * 40, 24 * 40),
    ]
    assert due(sessions, NOW, 900) == ["ended earlier", "lost its shutdown", "ended", "pulled long ago"]
