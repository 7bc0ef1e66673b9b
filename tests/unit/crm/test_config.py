"""A connector's file: what is wrong with it is said in one line that names file, key and fault."""

from pathlib import Path

import pytest

from governance.settings import PROJECT
from integrations.crm.config import ConnectorError, connectors, load

GOOD = (PROJECT / "config" / "connectors" / "warehouse-example.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ("enabled: false", "enabled: false\nenabled: true", "key 'enabled' occurs twice"),
        ("kind: crm", "kind: xapi", "another command takes this connector"),
        ("system: sql", "sistem: sql", "sistem: no such key; check the spelling"),
        ("system: sql", "system: siebel", "system: Input should be"),
        ("currency: currency, ", "", "currency: is missing; an amount without one is no outcome"),
        ("as: deal", "as: deals", "read.deals.as: Input should be"),
        ("password: ROLECALL_WAREHOUSE_PASSWORD", "password: hunter2", "secrets.password: String should match"),
        ("attributes: {product", "attributes: {customer_name", "may stand under people alone"),
        ("kind: crm", "kind: [crm", "not YAML"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, ours: str, theirs: str, said: str) -> None:
    assert ours in GOOD
    path = tmp_path / "connectors" / "warehouse.yaml"
    path.parent.mkdir()
    path.write_text(GOOD.replace(ours, theirs, 1), "utf-8")
    with pytest.raises(ConnectorError) as caught:
        load(tmp_path, "warehouse")
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(ConnectorError, match=r"no such connector; known: .*tryton-example"):
        load(PROJECT / "config", "tryton")
    with pytest.raises(ConnectorError, match="no such connector"):
        load(PROJECT / "config", "../policy")


def test_every_example_is_switched_off_and_its_mapping_holds() -> None:
    found = list(connectors(PROJECT / "config"))
    assert {each.system for each in found} == {"salesforce", "hubspot", "tryton", "sql", "files"}
    assert not any(each.enabled for each in found)
