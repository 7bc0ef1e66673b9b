"""Every statement kind in the eyes of others: Learning Locker's validator, and our rules against wrong statements."""

import json
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.xapi import CASES, bodies

PEER = Path(__file__).resolve().parents[2] / "peers" / "xapi"


def warnings(statements: list[bytes]) -> list[list[dict[str, Any]]]:
    done = subprocess.run(
        ["node", "validate.cjs"], cwd=PEER, input=b"\n".join(statements), capture_output=True, check=True, timeout=60
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def peer() -> None:
    assert (PEER / "node_modules").is_dir(), "run tests/install_peers.sh first (make e2e-setup)"


@pytest.mark.usefixtures("peer")
def test_learning_locker_accepts_every_statement() -> None:
    statements = [body for name in CASES for body in bodies(name)]
    found = warnings(statements)
    assert len(found) == len(statements)
    refused = [(warning, body.decode()) for warning, body in zip(found, statements, strict=True) if warning]
    assert not refused, refused[0]


@pytest.mark.usefixtures("peer")
def test_the_validator_is_awake() -> None:
    good = orjson.loads(bodies("plain-pass")[0])
    no_registration = good | {"context": good["context"] | {"registration": "no uuid"}}
    out_of_range = good | {"result": {"score": {"scaled": 1.5}}}
    found = warnings([orjson.dumps(each) for each in (good, no_registration, out_of_range)])
    assert [bool(each) for each in found] == [False, True, True]
