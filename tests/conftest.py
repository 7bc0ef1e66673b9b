"""Fixtures that tests of several areas share: an environment of one's own, state databases on SQLite and PostgreSQL."""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from support import postgres

from governance.state import State

# How long an example takes says how busy the machine is, nothing about the code.
SLOW = hypothesis.HealthCheck.too_slow
hypothesis.settings.register_profile("rolecall", deadline=None, suppress_health_check=[SLOW])
hypothesis.settings.load_profile("rolecall")


def _kept_environment() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


# A command that runs in the test's own process says where its home and Dagster's storage are: the next test, and the
# next module, must not write there.
module_environment = pytest.fixture(scope="module", autouse=True)(_kept_environment)
test_environment = pytest.fixture(autouse=True)(_kept_environment)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Address of a running server's maintenance database; ``postgres_database`` gives a fresh one."""
    with ExitStack() as running:
        # Not below pytest's own folder, which the server's user may not enter.
        folder = Path(running.enter_context(TemporaryDirectory(prefix="rolecall-pg-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        try:
            url = running.enter_context(postgres.server(folder / "server"))
        except postgres.Unavailable as error:
            pytest.skip(str(error))
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """Address of an empty PostgreSQL database that this test alone uses."""
    name = f"t_{secrets.token_hex(8)}"
    yield postgres.create_database(postgres_url, name)
    postgres.drop_database(postgres_url, name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty state database, on each supported database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    return request.getfixturevalue("postgres_database")


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    """An open, empty state database, on each supported database in turn."""
    opened = State.open(state_url)
    yield opened
    opened.close()
