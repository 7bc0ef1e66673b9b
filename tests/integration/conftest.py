"""One practised home, built once in a test run; tests change copies of it."""

import fcntl
import os

import pytest
from support.practised import Practised, build


@pytest.fixture(scope="session")
def practised(tmp_path_factory: pytest.TempPathFactory) -> Practised:
    """A home of forty sessions of one week; workers of one run share it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    found = Practised(folder / "practised-in", folder / "practised-home")
    ready = folder / "practised-ready"
    with (folder / "practised.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            build(found)
            ready.touch()
    return found
