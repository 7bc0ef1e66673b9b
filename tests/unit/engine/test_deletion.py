"""The engine's own copies of an erased person's sessions: deleted where it answers, told where it does not."""

from pathlib import Path

import httpx
from fastapi.testclient import TestClient

from governance.settings import Settings
from integrations.engine.pull import PullClient
from integrations.engine.simulator import api
from integrations.engine.simulator.generate import API_KEY
from pipelines.engine_deletion import Asked, delete_at_engine


def settings(home: Path) -> Settings:
    return Settings(home=home, _env_file=None)  # type: ignore[call-arg]


def client(transport: httpx.BaseTransport) -> PullClient:
    return PullClient("http://engine", API_KEY, transport=transport, sleep=lambda _: None)


def test_conversations_are_deleted_for_good(tmp_path: Path) -> None:
    engine = TestClient(api.app(None), base_url="http://engine")
    made = engine.post("/v2/conversations", json={"face_id": "r1"}, headers={"x-api-key": API_KEY}).json()
    sessions = [f"cvi:{made['conversation_id']}", "cvi:gone-before", "generic:s-1"]
    asked = delete_at_engine(settings(tmp_path), sessions, lambda _: client(engine._transport))
    assert asked == Asked(deleted=(made["conversation_id"], "gone-before"))
    with client(engine._transport) as reading:
        assert reading.conversation(made["conversation_id"]) is None


def test_an_engine_that_is_away_holds_nothing_up(tmp_path: Path) -> None:
    def away(request: httpx.Request) -> httpx.Response:
        return httpx.Response(204 if request.url.path.endswith("/a") else 503)

    asked = delete_at_engine(
        settings(tmp_path), ["cvi:a", "cvi:b", "cvi:c"], lambda _: client(httpx.MockTransport(away))
    )
    assert asked == Asked(deleted=("a",), open=("b", "c"))


def test_without_a_key_somebody_has_to_ask(tmp_path: Path) -> None:
    assert delete_at_engine(settings(tmp_path), ["cvi:a", "generic:b"]) == Asked(open=("a",))
