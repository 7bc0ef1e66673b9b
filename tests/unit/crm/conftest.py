import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from support.crm_clouds import Authority, Clock, served_org, served_portal

from governance.state import State
from integrations.crm.simulators.hubspot import Portal
from integrations.crm.simulators.salesforce import Org
from integrations.sync.ledger import Ledger


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def served_organisation(authority: Authority) -> Iterator[tuple[str, Org]]:
    org = Org(clock=Clock())
    with served_org(org, authority) as address:
        yield address, org


@pytest.fixture(scope="session")
def served_hubspot(authority: Authority) -> Iterator[tuple[str, Portal]]:
    portal = Portal(clock=Clock())
    with served_portal(portal, authority) as address:
        yield address, portal


@pytest.fixture
def org(served_organisation: tuple[str, Org]) -> Org:
    """An organisation as new, behind the address that is served already."""
    return renewed(served_organisation[1], Org(clock=Clock()))


@pytest.fixture
def portal(served_hubspot: tuple[str, Portal]) -> Portal:
    """A portal as new, behind the address that is served already."""
    return renewed(served_hubspot[1], Portal(clock=Clock()))


@pytest.fixture
def org_address(served_organisation: tuple[str, Org]) -> str:
    return served_organisation[0]


@pytest.fixture
def portal_address(served_hubspot: tuple[str, Portal]) -> str:
    return served_hubspot[0]


Served = TypeVar("Served", Org, Portal)


def renewed(served: Served, fresh: Served) -> Served:
    faults = served.faults
    served.__dict__.update(fresh.__dict__)
    served.faults = faults
    for table in served.tables.values():
        table.clock = served.now
    faults.clear()
    return served


@pytest.fixture(scope="session")
def empty_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without rows: copying it costs less than migrating."""
    path = tmp_path_factory.mktemp("empty") / "state.db"
    State.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def ledger(tmp_path: Path, empty_state: Path) -> Iterator[Ledger]:
    state = State.open(f"sqlite:///{shutil.copy(empty_state, tmp_path)}")
    yield Ledger(state)
    state.close()
