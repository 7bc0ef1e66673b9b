"""One home made by the commands of the README, shared by the tests of its verification."""

from pathlib import Path

import pytest
from support.command import Command


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of forty sessions after `simulate`, `ingest` and `run`."""
    folder = tmp_path_factory.mktemp("audit")
    rolecall = Command(folder / "home")
    rolecall("simulate", "--sessions", "40", "--seed", "5", "--out", str(folder / "in"))
    rolecall("ingest", str(folder / "in"), "--tenant", "acme")
    rolecall("run")
    return folder / "home"
