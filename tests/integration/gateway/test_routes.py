"""Every route of the gateway, asked in process: what it takes, what it refuses, and what it says."""

import gzip
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio import from_thread
from anyio.from_thread import BlockingPortal

from governance.inbox import Inbox, InboxRow
from governance.settings import PROJECT, Settings
from governance.state import State
from governance.withheld import withheld_frame
from integrations.engine import callers, examples
from pipelines import gateway

TOKENS = {"acme": "acme-token", "globex": "globex-token"}


@dataclass
class Client:
    """The application behind an HTTP client, and the state database that it writes to."""

    portal: BlockingPortal
    http: httpx.AsyncClient
    state: State

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.portal.call(lambda: self.http.request(method, path, **options))

    def post(self, path: str, body: Any = None, token: str | None = "acme-token", **options: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if not isinstance(options.get("content"), AsyncIterator):
            options.setdefault("content", content)
        return self.send("POST", path, params={"t": token} if token else None, **options)

    def rows(self) -> list[InboxRow]:
        return Inbox(self.state).waiting()


@pytest.fixture
def state_url(tmp_path: Path) -> str:
    """SQLite alone: ``test_soak`` runs whole gateways on both databases."""
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def settings(tmp_path: Path, state_url: str) -> Settings:
    return Settings(
        home=tmp_path,
        config=PROJECT / "config",
        state_url=state_url,
        gateway_tokens=TOKENS,
        tool_secret="tool-secret",
        max_body_bytes=200_000,
    )


@pytest.fixture
def client(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(gateway, "PATIENCE_MS", 200)
    app = gateway.create_app(settings)
    state = State.open(settings.database_url)
    with from_thread.start_blocking_portal() as portal:
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        http = httpx.AsyncClient(transport=transport, base_url="http://gateway")
        with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
            yield Client(portal, http, state)
            portal.call(http.aclose)
    state.close()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body.keys() == {"rule", "reason", "remedy"}
    assert all(body.values())
    return answer.status_code, body["rule"]


CHANNELS = [
    (channel, name, body)
    for channel, bodies in examples.BODIES.items()
    if channel != "launches"
    for name, body in bodies.items()
]


@pytest.mark.parametrize(("channel", "name", "body"), CHANNELS, ids=[f"{one[0]}: {one[1]}" for one in CHANNELS])
def test_every_documented_example_is_taken_once(client: Client, channel: str, name: str, body: Any) -> None:
    raw = json.dumps(body).encode()
    headers = {"X-Tavus-Signature": callers.signature_of("tool-secret", raw)} if channel == "tool" else {}
    path = "/v1" + gateway.receiver.PATHS[channel]
    count = len(body) if isinstance(body, list) else 1
    answer = client.post(path, raw, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"accepted": count, "repeated": 0, "refused": 0})
    rows = client.rows()
    assert [row.channel for row in rows] == [channel] * count
    assert all(row.known and row.session_id == "cvi:c0a11ce" for row in rows)


def test_a_repeat_is_answered_2xx_and_counted(client: Client) -> None:
    client.post("/v1/engine/webhook", examples.SHUTDOWN)
    answer = client.post("/v1/engine/webhook", examples.SHUTDOWN)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "repeated": 1, "refused": 0})
    assert [row.repeats for row in client.rows()] == [1]


def test_an_unknown_event_type_is_kept_and_counted(client: Client) -> None:
    body = examples.SHUTDOWN | {"event_type": "application.something_new"}
    assert client.post("/v1/engine/webhook", body).status_code == 200
    assert [(row.event_type, row.known) for row in client.rows()] == [("application.something_new", False)]
    assert 'unknown_events_total{channel="webhook"} 1.0' in client.send("GET", "/metrics").text


def test_the_header_is_as_good_as_the_address_and_the_content_type_does_not_matter(client: Client) -> None:
    headers = {"Authorization": "Bearer globex-token", "Content-Type": "text/plain"}
    assert client.post("/v1/engine/webhook", examples.SHUTDOWN, token=None, headers=headers).status_code == 200
    assert [row.tenant for row in client.rows()] == ["globex"]


@pytest.mark.parametrize("path", ["webhook", "objectives", "guardrails", "relay"])
def test_wrong_and_missing_tokens(client: Client, path: str) -> None:
    assert refusal(client.post(f"/v1/engine/{path}", examples.SHUTDOWN, token="wrong")) == (401, "wrong_token")
    assert refusal(client.post(f"/v1/engine/{path}", examples.SHUTDOWN, token=None)) == (401, "missing_token")
    assert refusal(client.post("/v1/launches", examples.LAUNCH, token="wrong")) == (401, "wrong_token")
    assert client.rows() == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "empty_body")),
        (b"{", (400, "malformed_json")),
        (b"\xff\xfe{}", (400, "malformed_json")),
        (gzip.compress(b"{}", mtime=0), (400, "malformed_json")),
        (b"null", (422, "not_an_object")),
        (b"[1]", (422, "not_an_object")),
        (b"{}", (422, "no_session")),
        (b'{"conversation_id": 7}', (422, "bad_session_id")),
    ],
)
def test_bodies_that_are_no_deliveries(client: Client, body: bytes, expected: tuple[int, str]) -> None:
    assert refusal(client.post("/v1/engine/webhook", body)) == expected
    assert client.rows() == []


def test_a_naive_time_is_refused(client: Client) -> None:
    answer = client.post("/v1/engine/webhook", examples.SHUTDOWN | {"timestamp": "2026-11-02T09:12:30"})
    assert answer.status_code == 422
    assert "timestamp" in answer.json()["reason"]


def test_too_large_with_and_without_a_length(client: Client) -> None:
    body = json.dumps(examples.SHUTDOWN | {"webhook_url": "x" * 300_000}).encode()
    assert refusal(client.post("/v1/engine/webhook", body)) == (413, "too_large")

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    answer = client.post("/v1/engine/webhook", content=chunks())
    assert refusal(answer) == (413, "too_large")
    assert client.post("/v1/engine/webhook", examples.SHUTDOWN).status_code == 200


def test_nesting_beyond_any_stack(client: Client) -> None:
    body = b'{"conversation_id": "c1", "properties": ' + b"[" * 900 + b"]" * 900 + b"}"
    assert client.post("/v1/engine/webhook", body).status_code == 422
    assert refusal(client.post("/v1/engine/webhook", b"[" * 90_000)) == (400, "malformed_json")


def test_relay_lines_good_rows_go_on(client: Client) -> None:
    lines = [json.dumps(examples.STOPPED_SPEAKING), "{", json.dumps(examples.UTTERANCE), "", "[]", '{"a": 1}']
    answer = client.post("/v1/engine/relay", "\n".join(lines).encode()).json()
    assert (answer["accepted"], answer["refused"]) == (2, 2)
    assert [(one["line"], one["rule"]) for one in answer["refusals"]] == [(2, "malformed_json"), (5, "no_session")]


def test_a_relay_batch_without_a_good_line_is_refused(client: Client) -> None:
    answer = client.post("/v1/engine/relay", b'{"a": 1}\n{"b": 1}')
    assert answer.status_code == 422
    assert answer.json()["refused"] == 2


def test_a_conversations_token_opens_that_conversation_alone(client: Client) -> None:
    recorded = client.post("/v1/launches", examples.LAUNCH).json()
    (launch,) = recorded["launches"]
    assert client.post(launch["callback_url"], examples.SHUTDOWN, token=None).status_code == 200
    assert client.post(launch["relay_url"], examples.UTTERANCE, token=None).status_code == 200
    other = examples.SHUTDOWN | {"conversation_id": "other"}
    assert refusal(client.post(launch["callback_url"], other, token=None)) == (403, "wrong_conversation")
    token = launch["relay_url"].partition("t=")[2]
    assert refusal(client.post("/v1/launches", examples.LAUNCH, token=token)) == (403, "token_too_narrow")


def test_the_policy_of_the_launch_decides_before_the_write(client: Client) -> None:
    spoken = examples.UTTERANCE | {
        "properties": {"role": "user", "speech": "Yes.", "user_audio_analysis": "sounds tense"}
    }
    client.post("/v1/launches", examples.LAUNCH)
    client.post("/v1/engine/relay", spoken)
    client.post("/v1/engine/relay", spoken | {"conversation_id": "unlaunched"})
    assert not [row for row in client.rows() if "tense" in row.body]
    assert set(withheld_frame(client.state)["jurisdiction"]) == {"DE", "unknown"}
    assert "rolecall_gateway_withheld_total{signal_class=" in client.send("GET", "/metrics").text


def test_tool_signature(client: Client) -> None:
    raw = json.dumps(examples.TOOL).encode()
    right = {"X-Tavus-Signature": callers.signature_of("tool-secret", raw)}
    assert refusal(client.post("/v1/engine/tools", raw)) == (401, "wrong_signature")
    assert refusal(client.post("/v1/engine/tools", raw + b" ", headers=right)) == (401, "wrong_signature")
    assert refusal(client.post("/v1/engine/tools", raw, token=None, headers=right)) == (404, "unknown_tenant")
    client.post("/v1/launches", examples.LAUNCH)
    assert client.post("/v1/engine/tools", raw, token=None, headers=right).status_code == 200
    assert [row.tenant for row in client.rows()] == ["acme"]


def test_a_tool_body_without_envelope_takes_the_conversation_from_the_address(client: Client) -> None:
    raw = b'{"reason": "asked twice"}'
    headers = {"X-Tavus-Signature": "sha256=" + callers.signature_of("tool-secret", raw)}
    path = "/v1/engine/tools"
    assert refusal(client.post(path, raw, headers=headers))[0] == 422
    answer = client.send(
        "POST", path, params={"t": "acme-token", "conversation_id": "c0a11ce"}, content=raw, headers=headers
    )
    assert answer.status_code == 200, answer.text


def test_launches_one_many_and_bad(client: Client) -> None:
    assert client.post("/v1/launches", examples.LAUNCH).json()["recorded"] == {"new": 1, "changed": 0, "same": 0}
    many = [
        examples.LAUNCH,
        examples.LAUNCH | {"conversation_id": "b", "tenant": "globex"},
        {"conversation_id": "c"},
        7,
    ]
    answer = client.post("/v1/launches", many).json()
    assert answer["recorded"] == {"new": 1, "changed": 0, "same": 1}
    assert [(one["line"], one["rule"]) for one in answer["refusals"]] == [(2, "wrong_tenant"), (4, "invalid_launch")]
    assert refusal(client.post("/v1/launches", {"conversation_id": "d", "colour": 1})) == (422, "invalid_launch")
    assert refusal(client.post("/v1/launches", {"conversation_id": "d", "attempt": -1})) == (422, "invalid_launch")
    naive = examples.LAUNCH | {"launched_at": "2026-11-02T09:00:00"}
    assert refusal(client.post("/v1/launches", naive)) == (422, "invalid_launch")
    assert refusal(client.post("/v1/launches", examples.LAUNCH | {"tenant": "globex"})) == (403, "wrong_tenant")


def test_health_metrics_and_documentation(client: Client) -> None:
    client.post("/v1/engine/webhook", examples.SHUTDOWN)
    client.post("/v1/engine/webhook", examples.SHUTDOWN)
    client.post("/v1/engine/webhook", b"{")
    health = client.send("GET", "/healthz")
    assert health.status_code == 200
    assert health.json()["inbox"]["depth"] == 1
    text = client.send("GET", "/metrics").text
    assert 'rolecall_gateway_accepted_total{channel="webhook"} 1.0' in text
    assert 'rolecall_gateway_repeated_total{channel="webhook"} 1.0' in text
    assert 'rolecall_gateway_refused_total{channel="webhook",rule="malformed_json"} 1.0' in text
    assert "rolecall_gateway_commit_seconds_count 2.0" in text
    assert "rolecall_gateway_batch_requests_count 2.0" in text
    assert "rolecall_inbox_depth 1.0" in text
    document = client.send("GET", "/openapi.json").json()
    paths = {"/v1" + path for path in gateway.receiver.PATHS.values()} | {"/v1/launches", "/healthz", "/metrics"}
    assert paths <= document["paths"].keys()
    assert document["paths"]["/v1/engine/webhook"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert client.send("GET", "/docs").status_code == 200


def test_other_routes_and_methods(client: Client) -> None:
    assert refusal(client.send("GET", "/nowhere")) == (404, "unknown_route")
    assert refusal(client.send("GET", "/v1/engine/webhook")) == (405, "wrong_method")


def test_a_database_that_is_away_is_503_and_nothing_is_lost_or_logged(
    settings: Settings, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    blocker = sqlite3.connect(settings.database_url.removeprefix("sqlite:///"), isolation_level=None)
    blocker.execute("begin immediate")
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/v1/engine/webhook", examples.TRANSCRIPT)
        assert refusal(answer) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert client.send("GET", "/healthz").status_code == 200  # reading still works
        answer = client.post("/v1/launches", examples.LAUNCH)
        assert refusal(answer) == (503, "unavailable")
    blocker.execute("rollback")
    blocker.close()
    ours = " ".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    assert "You wanted to talk" not in ours
    assert "acme-token" not in ours
    assert client.post("/v1/engine/webhook", examples.TRANSCRIPT).json()["accepted"] == 1


def test_health_is_red_when_the_disk_is_nearly_full(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "DISK_FLOOR_BYTES", 10**18)
    answer = client.send("GET", "/healthz")
    assert answer.status_code == 503
    assert "disk" in answer.json()["problems"][0]


def test_our_own_faults_are_logged_without_what_people_said(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("You wanted to talk?")

    monkeypatch.setattr("integrations.engine.delivery.seal", broken)
    assert refusal(client.post("/v1/engine/webhook", examples.TRANSCRIPT)) == (500, "internal")
    assert "KeyError at" in caplog.text
    assert "You wanted to talk" not in caplog.text
