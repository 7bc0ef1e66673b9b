"""One Tryton for the module's tests, as a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import tryton
from support.crm import CrmHome

TRYTON_DEALS = {
    "object": "sale.opportunity",
    "as": "deal",
    "fields": {
        "amount": "amount", "currency": "currency.code", "stage": "state", "opened_at": "create_date",
        "closed_at": "end_date",
    },
    "people": [{"field": "employee", "match": "account"}],
    "stages": {
        "lead": "open", "opportunity": "open", "won": "won", "converted": "won", "lost": "lost", "cancelled": "lost"
    },
}  # fmt: skip


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
    monkeypatch.setenv("CRM_PASSWORD", tryton.PASSWORD)
    home = CrmHome(tmp_path / "home")
    home.write(
        "tryton",
        {
            "system": "tryton",
            "url": crm.url,
            "secrets": {"password": "CRM_PASSWORD"},
            "options": {"database": "crm", "login": "admin", "page": 150},
            "read": {"deals": TRYTON_DEALS},
        },
    )
    return home
