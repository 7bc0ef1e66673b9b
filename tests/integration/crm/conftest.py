"""One Tryton for the module's tests, as a process of its own, and people who have practised."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import tryton
from support.crm import CrmHome
from support.published import build_published


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tryton.Server]:
    """A running Tryton."""
    try:
        with tryton.server(tmp_path_factory.mktemp("tryton")) as found:
            yield found
    except tryton.Unavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture
def home(tmp_path: Path, crm: tryton.Server, monkeypatch: pytest.MonkeyPatch) -> CrmHome:
    """A home whose connector ``tryton`` reads that server."""
    monkeypatch.setenv(tryton.VARIABLE, tryton.PASSWORD)
    home = CrmHome(tmp_path / "home")
    home.write("tryton", tryton.connector(crm, page=150))
    return home


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Marts of forty people, to be copied: building them costs seconds."""
    folder = tmp_path_factory.mktemp("published") / "marts"
    build_published(folder, learners=40, sessions=400)
    return folder
