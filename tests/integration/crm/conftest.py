"""One Tryton for the module's tests, as a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import tryton
from support.crm import CrmHome


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
