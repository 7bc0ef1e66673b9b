"""LMSs of others in processes of their own environment: the Open edX XBlock, and scormhost as the weak one."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from support.lms import PEERS, until_answers

PYTHON = PEERS / "openedx" / ".venv" / "bin" / "python"
BLOCK = Path(__file__).parent / "openedx_block.py"
HOST = (
    "import sys, uvicorn; from scormhost import create_scorm_app;"
    " uvicorn.run(create_scorm_app(data_dir=sys.argv[1], title='Weak', secret_key='k' * 32), host='127.0.0.1',"
    " port=int(sys.argv[2]), log_level='warning')"
)


class Block:
    """The Open edX SCORM XBlock, asked a package at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def grade(self, path: Path, calls: list[list[str]]) -> dict[str, Any]:
        """What it publishes for these SetValue calls."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"zip": str(path), "calls": calls}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the XBlock's process ended"
        return json.loads(line)


@contextmanager
def open_edx() -> Iterator[Block]:
    """The XBlock's process."""
    command = [str(PYTHON), str(BLOCK)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
    try:
        yield Block(process)
    finally:
        process.terminate()
        process.communicate(timeout=20)


@contextmanager
def weak_lms(folder: Path, port: int) -> Iterator[httpx.Client]:
    """scormhost, with its first user signed in, who may upload."""
    process = subprocess.Popen([str(PYTHON), "-c", HOST, str(folder), str(port)])
    try:
        until_answers(f"http://127.0.0.1:{port}/health")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            who = {"username": "ada", "email": "a@example.com", "password": "a-long-password-1", "display_name": "Ada"}
            answer = client.post("/api/auth/register", json=who)
            assert answer.is_success, answer.text
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client
    finally:
        process.terminate()
        process.wait(timeout=20)
