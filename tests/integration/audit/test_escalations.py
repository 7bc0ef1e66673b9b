"""A guardrail at the gateway opens a case within seconds, once, and people are told by webhook and e-mail."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from fastapi.testclient import TestClient
from support.served import free_port

from governance.access import Role, Thing
from governance.access.claims import local_user
from governance.escalations import EscalationError, Escalations, Rules
from governance.settings import Settings
from governance.state import State
from pipelines.gateway import create_app

CROSSED = {
    "conversation_id": "c1",
    "guardrail": "no_guarantee_of_returns",
    "guardrail_uuid": "g1",
    "reason": "He said so",
}


class Box:
    """A mail server's handler that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it
        self.mails.append(envelope.content.decode())
        return "250 kept"


@pytest.fixture
def mail() -> Iterator[tuple[Box, int]]:
    box = Box()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield box, controller.port
    controller.stop(no_assert=True)


@pytest.fixture
def hook() -> Iterator[tuple[list[bytes], str]]:
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield got, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_case_is_opened_told_acknowledged_and_closed(
    tmp_path: Path, mail: tuple[Box, int], hook: tuple[list[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    box, port = mail
    got, address = hook
    for name, value in {
        "HOME": str(tmp_path), "GATEWAY_TOKENS": "acme=a-token-of-some-length", "ALERT_WEBHOOK": address,
        "SMTP_URL": f"smtp://127.0.0.1:{port}", "ALERT_TO": "officer@example.com",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"ROLECALL_{name}", value)
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    with TestClient(create_app(settings)) as gateway:
        for _ in range(3):
            gateway.post("/v1/engine/guardrails?t=a-token-of-some-length", json=CROSSED).raise_for_status()
        end = time.monotonic() + 60
        while (not got or not box.mails) and time.monotonic() < end:
            threading.Event().wait(0.05)
    state = State.open(settings.database_url)
    escalations = Escalations(state, Rules(), {})
    (case,) = escalations.frame("acme").iter_rows(named=True)
    assert (case["severity"], case["state"], case["name"]) == ("critical", "open", "no_guarantee_of_returns")
    assert case["due_at"] > case["opened_at"]
    assert case["regulation"]
    assert len(got) == len(box.mails) == 1
    assert case["case_id"].encode() in got[0]
    assert "He said so" not in box.mails[0] + got[0].decode(), "what was said stays in the lake"
    officer, thing = local_user("o", [Role.compliance]), Thing.session("acme", "cvi:c1", None, None)
    with pytest.raises(EscalationError, match="may not"):
        escalations.step(local_user("x", [Role.auditor]), thing, case["case_id"], "closed", "no")
    escalations.step(officer, thing, case["case_id"], "acknowledged", "Calling the learner")
    escalations.step(officer, thing, case["case_id"], "closed", "Spoke to the learner")
    with pytest.raises(EscalationError, match="no such open case"):
        escalations.step(officer, thing, case["case_id"], "closed", "again")
    assert escalations.frame("acme")["state"].to_list() == ["closed"]
    state.close()
