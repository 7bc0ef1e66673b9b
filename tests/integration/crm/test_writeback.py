"""Readiness into a real Tryton: all there on read-back, nothing twice, and the rejects alone again."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.crm import CrmHome
from support.proxy import Fault, faulty
from support.tryton import Server
from support.writeback import WRITE, Practice

from integrations.crm.config import CrmConnector, Writing, load
from integrations.crm.systems import open_connector
from integrations.sync.base import Fate, Outgoing, SyncError
from integrations.sync.health import rejects

FIELDS = list(WRITE["fields"].values())
# by the number of the call: the catalogue takes three with the login, then each batch is looked at, written, looked at
FAULTS: dict[str, dict[int, Fault]] = {
    "the line is cut after the server has stored": {6: "after"},
    "the line is cut before the server has stored": {6: "before"},
    "server errors and a storm": {4: 503, 5: 502, 6: 500, 8: 429, 9: "half"},
}


@pytest.fixture
def practice(tmp_path: Path, home: CrmHome, published: Path) -> Practice:
    return Practice(tmp_path / "practice", home.state, learners=40, sessions=400, published=published)


def connector_of(home: CrmHome, **write: Any) -> CrmConnector:
    read = load(home.config, "tryton")
    content = read.model_dump(mode="json", by_alias=True, include={"system", "url", "secrets", "options"})
    return home.write("tryton", {**content, "write": {**WRITE, **write}})


def employees(crm: Server, practice: Practice) -> dict[str, str]:
    keys = practice.learners()
    made = crm.employees([f"Rep {key}" for key in keys])
    accounts = dict(zip(keys, map(str, made), strict=True))
    practice.know(accounts)
    return accounts


def held(crm: Server, accounts: dict[str, str]) -> dict[str, dict[str, Any]]:
    ids = [int(account) for account in accounts.values()]
    rows = crm.call(
        "company.employee", "search_read", [["id", "in", ids]], 0, None, None, ["id", "write_date", *FIELDS]
    )
    return {str(row["id"]): row for row in rows}


def test_all_arrive_a_second_sync_sends_none_and_rejects_go_through_alone(
    crm: Server, home: CrmHome, practice: Practice
) -> None:
    accounts = employees(crm, practice)
    connector = connector_of(home)
    keys = sorted(accounts)
    locked = [int(accounts[key]) for key in keys[:3]]
    crm.call("company.employee", "write", locked, {"roleplay_locked": True})
    practice.know({keys[3]: "999999"})  # an account that the CRM does not have

    planned = practice.desk.plan(connector, datetime.now(UTC))
    seen = practice.desk.look(connector, planned)
    assert (seen.would_change, seen.same_already, seen.no_record) == (len(keys) - 1, 0, 1)
    assert all(row["roleplay_source"] is None for row in held(crm, accounts).values())  # nothing was written

    report = practice.write(connector).report
    assert report is not None
    assert (report.counts.acknowledged, report.counts.refused, report.counts.left) == (len(keys) - 4, 4, 0)
    rows = held(crm, accounts)
    told = {row["learner_key"]: row for row in planned.wanted.iter_rows(named=True)}
    for key in keys[4:]:
        row, want = rows[accounts[key]], told[key]
        assert row["roleplay_source"] == want["roleplay_source"]
        shown = row["roleplay_discovery"]
        assert (None if shown is None else float(shown["decimal"])) == want["roleplay_discovery"]
    reasons = {row[0]: row[1] for row in _rejects(home)}
    assert "locked by HR" in reasons[keys[0]]
    assert "999999" in reasons[keys[3]]

    report = practice.write(connector).report  # what was refused is tried again, nobody else
    assert report is not None
    assert (report.counts.planned, report.counts.acknowledged) == (4, 0)
    crm.call("company.employee", "write", locked, {"roleplay_locked": False})
    practice.know({keys[3]: accounts[keys[3]]})
    before = held(crm, accounts)
    report = practice.write(connector).report
    assert report is not None
    assert (report.counts.planned, report.counts.acknowledged, report.counts.refused) == (4, 4, 0)
    after = held(crm, accounts)
    assert all(before[accounts[key]] == after[accounts[key]] for key in keys[4:])
    assert practice.write(connector).report is None


def test_a_null_never_overwrites_what_the_crm_holds(crm: Server, home: CrmHome, practice: Practice) -> None:
    accounts = employees(crm, practice)
    connector = connector_of(home, fields={**WRITE["fields"], "readiness.nobody-has-this": "roleplay_empathy"})
    crm.call("company.employee", "write", [int(account) for account in accounts.values()],
             {"roleplay_empathy": {"__class__": "Decimal", "decimal": "77.0"}})  # fmt: skip
    report = practice.write(connector).report
    assert report is not None
    assert report.counts.acknowledged == len(accounts)
    rows = crm.call("company.employee", "read", [int(account) for account in accounts.values()], ["roleplay_empathy"])
    assert {row["roleplay_empathy"]["decimal"] for row in rows} == {"77.0"}


def test_a_field_that_is_not_there_stops_before_the_first_write(crm: Server, home: CrmHome, practice: Practice) -> None:
    accounts = employees(crm, practice)
    connector = connector_of(home, fields={"readiness.discovery": "roleplay_mastery", "provenance": "roleplay_source"})
    with pytest.raises(SyncError, match=r"no field roleplay_mastery \(for readiness.discovery\)"):
        practice.write(connector)
    assert all(row["roleplay_source"] is None for row in held(crm, accounts).values())


@pytest.mark.parametrize("case", FAULTS)
def test_faults_on_the_way_lose_nobody(crm: Server, home: CrmHome, practice: Practice, case: str) -> None:
    accounts = employees(crm, practice)
    connector = connector_of(home)
    with faulty(crm.url, dict(FAULTS[case]).get) as address:
        report = practice.write(connector.model_copy(update={"url": address})).report
    assert report is not None
    assert (report.stopped, report.counts.acknowledged) == (None, len(accounts))
    assert all(row["roleplay_source"] for row in held(crm, accounts).values())
    assert practice.write(connector).report is None


def test_a_session_that_ended_is_opened_anew(crm: Server, home: CrmHome, practice: Practice) -> None:
    accounts = employees(crm, practice)
    connector = connector_of(home)
    found = open_connector(connector)
    sink = found.sink(Writing.model_validate(WRITE), accounts)
    sink.preflight()
    assert crm.end_sessions() > 0
    records = [Outgoing(key, b'{"roleplay_source": "session s"}', "d", tenant="acme") for key in accounts]
    answer = sink.apply(records)
    found.close()
    assert crm.end_sessions() == 1, "a new one was opened"
    assert isinstance(answer, Sequence)
    assert {each.fate for each in answer} == {Fate.STORED}
    assert {row["roleplay_source"] for row in held(crm, accounts).values()} == {"session s"}


def _rejects(home: CrmHome) -> list[tuple[str, str]]:
    return rejects(home.state).select("source", "reason").rows()
