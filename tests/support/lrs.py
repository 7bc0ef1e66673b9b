"""Two real LRSs of different make on free ports of this machine, each in a process of its own, and what they hold."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from support.served import free_port

from integrations.xapi.signing import Signed

PEERS = Path(__file__).resolve().parents[1] / "peers"
NPM = PEERS / "lrs" / "node_modules" / "xapi-statements" / "dist" / "index.js"
RALPH = PEERS / "ralph" / ".venv" / "bin"
START_S = 240  # Ralph imports for ten seconds on a quiet machine
KEY, SECRET = "test", "testpw"
HEADERS = {"x-experience-api-version": "1.0.3"}
ONE_PAGE = 100_000


@dataclass(frozen=True)
class Peer:
    """A running LRS. ``strict`` is the one that keeps the specification."""

    name: str
    url: str
    strict: bool
    pid: int

    def statements(self) -> list[dict]:
        """Everything it holds that is not voided, on one page where the peer lets us.

        Small pages of xapi-statements leave statements out now and then although each is there when it is asked for by
        id: its cursor does not hold among the many that were stored in one millisecond.
        """
        found: list[dict] = []
        address = f"{self.url}/statements?limit={ONE_PAGE}"
        with httpx.Client(auth=(KEY, SECRET), headers=HEADERS, timeout=60) as http:
            while address:
                body = http.get(address).raise_for_status().json()
                found += body["statements"]
                address = urljoin(self.url, body["more"]) if body.get("more") else ""
        return found

    def get(self, statement_id: str, parameter: str = "statementId") -> httpx.Response:
        """One statement by id."""
        return httpx.get(
            f"{self.url}/statements", params={parameter: statement_id}, auth=(KEY, SECRET), headers=HEADERS
        )

    def signed(self, statement_id: str) -> Signed:
        """A signed statement by id, with the signature that it carries."""
        asked = {"statementId": statement_id, "attachments": "true"}
        answer = httpx.get(f"{self.url}/statements", params=asked, auth=(KEY, SECRET), headers=HEADERS)
        head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
        told, signature = (part.get_payload(decode=True) for part in message_from_bytes(head + answer.content).walk()
                           if not part.is_multipart())  # fmt: skip
        assert isinstance(told, bytes)
        assert isinstance(signature, bytes)
        return Signed(told, signature, sha256(signature).hexdigest())


@contextmanager
def xapi_statements(folder: Path) -> Iterator[Peer]:
    """npm's xapi-statements: strict 1.0.3, in memory. It listens on every interface; keep it short-lived."""
    if not NPM.is_file():
        pytest.skip("the npm LRS is not installed; run tests/install_peers.sh")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environment = os.environ | {
        "MODELS_REPO": "memory", "AUTH_REPO": "test", "EVENTS_REPO": "test", "STORAGE_REPO": "local",
        "FS_LOCAL_STORAGE_DIR": str(folder), "EXPRESS_PORT": str(port), "LOG_DIR": str(folder),
    }  # fmt: skip
    command = ["node", str(NPM)]
    with _running(command, folder, environment, f"http://127.0.0.1:{port}/xAPI", "xapi-statements", True) as peer:
        yield peer


@contextmanager
def ralph(folder: Path) -> Iterator[Peer]:
    """Ralph on a folder: lenient, answers a repeat with 204 and an invalid statement with 422."""
    if not (RALPH / "ralph").is_file():
        pytest.skip("Ralph is not installed; run tests/install_peers.sh")
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "RALPH_APP_DIR": str(folder / "app"), "RALPH_RUNSERVER_BACKEND": "fs",
        "RALPH_BACKENDS__LRS__FS__DEFAULT_DIRECTORY_PATH": str(folder / "fs"),
        "RALPH_BACKENDS__LRS__FS__DEFAULT_LRS_FILE": "st.jsonl",
    }  # fmt: skip
    (folder / "fs").mkdir(exist_ok=True)
    (folder / "fs" / "st.jsonl").touch()
    _grant(folder / "app", environment)
    port = free_port()
    command = [str(RALPH / "python"), str(PEERS / "ralph" / "serve.py"), str(port)]
    with _running(command, folder, environment, f"http://127.0.0.1:{port}/xAPI", "ralph", False) as peer:
        yield peer


def _grant(app: Path, environment: dict[str, str]) -> None:
    """Ralph's own command hashes the password: some seconds of work, so that its result is kept."""
    kept, wanted = RALPH.parent / f"auth-{KEY}-{SECRET}.json", app / "auth.json"
    app.mkdir(exist_ok=True)
    if not kept.exists():
        granted = [
            str(RALPH / "ralph"), "auth", "-u", KEY, "-p", SECRET, "-s", "all",
            "--agent-ifi-mbox", "mailto:lrs@example.org", "-w",
        ]  # fmt: skip
        subprocess.run(granted, env=environment, check=True, capture_output=True)
        draft = kept.with_name(f"{kept.name}.{os.getpid()}")
        shutil.copy(wanted, draft)
        draft.replace(kept)
    shutil.copy(kept, wanted)


@contextmanager
def _running(
    command: list[str], folder: Path, environment: dict[str, str], url: str, name: str, strict: bool
) -> Iterator[Peer]:
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _await(url, process, folder / "log.txt")
            yield Peer(name, url, strict, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the LRS ended before it answered: {log.read_text('utf-8', 'replace')[-2000:]}")
        try:
            httpx.get(f"{url}/statements", params={"limit": 1}, auth=(KEY, SECRET), headers=HEADERS, timeout=5)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the LRS did not answer within {START_S} s")
