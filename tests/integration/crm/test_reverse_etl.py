"""The comparison with drt on a few people: what docs/crm/reverse-etl.md says of thousands."""

from pathlib import Path

import pytest
from support import drt
from support.crm_clouds import Authority

from benchmarks.reverse_etl import INVALID, ours, scenario, served, theirs

PEOPLE = 12


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path, drt.HUBSPOT)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.trust))
    monkeypatch.setenv("HS_TOKEN", "")  # ``ours`` sets it
    return made


def test_ours_sends_what_changed_and_what_was_refused(authority: Authority, tmp_path: Path) -> None:
    with served(authority, PEOPLE) as (portal, address):
        found = scenario(portal, ours(tmp_path, portal, address), PEOPLE)
    assert [step["rows_sent"] for step in found.values()] == [PEOPLE, INVALID, INVALID, 1]
    assert [step["rejects_named"] for step in found.values()] == [INVALID, INVALID, 0, 0]


@pytest.mark.skipif(not drt.PROGRAM.exists(), reason="drt is not installed; run tests/install_peers.sh")
def test_drt_sends_every_row_every_time(authority: Authority, tmp_path: Path) -> None:
    with served(authority, PEOPLE) as (portal, address), drt.tunnel(address) as tunnel:
        found = scenario(portal, theirs(tmp_path / "drt", portal, authority, tunnel, "full"), PEOPLE)
    assert [step["rows_sent"] for step in found.values()] == [PEOPLE] * 4
    assert [step["stored"] for step in found.values()] == [PEOPLE - INVALID] * 2 + [PEOPLE] * 2
    assert found["first"]["rejects_named"] == INVALID
    assert found["unchanged"]["rejects_open"] == 2 * INVALID
