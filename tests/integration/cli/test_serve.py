"""The servers start, answer, and stop when they are told to."""

import signal
import time
from pathlib import Path

import httpx
import pytest
from support.command import Command
from support.served import free_port

START_S = 120
STOP_S = 30


@pytest.mark.parametrize(("server", "path"), [("gateway", "/healthz"), ("dashboard", "/_stcore/health")])
def test_a_server_answers_and_stops_on_sigterm(tmp_path: Path, server: str, path: str) -> None:
    port = free_port()
    process = Command(tmp_path / "home").start("serve", server, "--port", str(port))
    try:
        until = time.monotonic() + START_S
        while True:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until, "it did not come up"
            try:
                if httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5).is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=STOP_S)
    finally:
        process.kill()
    assert process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in said
