"""A real gateway in a process of its own, and a sender lean enough to load it from the same machine."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

TENANT = "acme"
TOKEN = "soak-token-0123456789"  # for a gateway on the loopback, gone with its folder
TOOL_SECRET = "soak-tool-secret"
START_TIMEOUT_S = 60.0


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Gateway:
    """``rolecall serve gateway`` over the home folder ``home``, to be started, killed and started again."""

    home: Path
    state_url: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """Variables of a gateway that knows nothing of the caller's own Rolecall."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
        ours = {
            "ROLECALL_HOME": str(self.home),
            "ROLECALL_GATEWAY_TOKENS": f"{TENANT}={TOKEN}",
            "ROLECALL_TOOL_SECRET": TOOL_SECRET,
            "ROLECALL_LOG_LEVEL": "WARNING",
        }
        if self.state_url:
            ours["ROLECALL_STATE_URL"] = self.state_url
        return kept | ours | self.extra

    @property
    def database_url(self) -> str:
        """Address of its state database."""
        return self.state_url or f"sqlite:///{self.home / 'state.db'}"

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [sys.executable, "-m", "pipelines.cli", "serve", "gateway", "--port", str(self.port)]
        with (self.home / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment(), stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the gateway ended with {self.process.returncode}: {self.log()[-2000:]}")
            try:
                self.get("/healthz")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"the gateway did not answer within {START_TIMEOUT_S:.0f} s: {self.log()[-2000:]}")

    @property
    def pid(self) -> int:
        """Process id of the running gateway."""
        if self.process is None:
            raise RuntimeError("the gateway is not running")
        return self.process.pid

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it as a power cut would: no handler runs, nothing is flushed."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it politely."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=30)
            self.process = None

    def get(self, path: str) -> str:
        """The answer to a GET."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.read().decode()

    def log(self) -> str:
        """What it has written so far."""
        return (self.home / "gateway.log").read_text(encoding="utf-8", errors="replace")


def request(
    path: str,
    body: bytes,
    headers: dict[str, str] | None = None,
    token: str | None = TOKEN,
    chunked: bool = False,
) -> bytes:
    """The bytes of one POST on a connection that stays open."""
    target = path if token is None else f"{path}{'&' if '?' in path else '?'}t={quote(token)}"
    fields = {"Host": "127.0.0.1", "Content-Type": "application/json"} | (headers or {})
    if chunked:
        fields["Transfer-Encoding"] = "chunked"
        parts = [body[start : start + 4096] for start in range(0, len(body), 4096)]
        payload = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    else:
        fields["Content-Length"] = str(len(body))
        payload = body
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + payload


class Connection:
    """One keep-alive connection that sends prepared requests one after another."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, raw: bytes) -> tuple[int, bytes]:
        """Status and body; raises ``ConnectionError`` when the answer was cut off."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
            reader, writer = self._streams
            writer.write(raw)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            lowered = head.lower()
            length = int(lowered.split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise ConnectionError("the answer was cut off") from error
        if b"connection: close" in lowered:
            self.close()
        return int(head[9:12]), body

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def shutdown_body(conversation_id: str, moment: str = "2026-11-02T09:12:30Z") -> bytes:
    """A small conversation webhook, distinct by its conversation."""
    document: dict[str, Any] = {
        "event_type": "system.shutdown",
        "message_type": "system",
        "conversation_id": conversation_id,
        "timestamp": moment,
        "properties": {"replica_id": "r1", "shutdown_reason": "participant_left_timeout"},
    }
    return json.dumps(document).encode()
