"""Salesforce and HubSpot, simulated behind TLS, from the connector's file to core/outcomes."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.command import Command
from support.crm import CrmHome
from support.crm_clouds import Authority, Clock
from support.served import free_port

from governance.settings import PROJECT
from integrations.crm.simulators import hubspot, ready, salesforce
from integrations.crm.simulators.people import fill_org, fill_portal, key
from integrations.crm.simulators.serving import served
from integrations.crm.simulators.store import Table

PEOPLE, DEALS, CHANGED, DELETED = 8, 600, 30, 10


class Cloud:
    """One system with its deals; ``close`` says how a deal is won, lost or reopened there."""

    def __init__(self, system: str) -> None:
        self.system, self.clock = system, Clock()
        if system == "salesforce":
            org = salesforce.Org(clock=self.clock)
            org.clients["simulated"] = salesforce.Client("simulated", secret="simulated", run_as="sync@acme.example")
            fill_org(org, PEOPLE, DEALS)
            self.app, self.tables, self.secret = salesforce.app(org), org.tables, "simulated"
            self.deals = org.tables["Opportunity"]
            self.template, self.stage, self.amount = ready.SALESFORCE, "StageName", "Amount"
            self.won, self.lost, self.open = "Closed Won", "Closed Lost", "Negotiation"
        else:
            portal = hubspot.Portal(clock=self.clock)
            fill_portal(portal, PEOPLE, DEALS)
            self.app, self.tables, self.secret = hubspot.app(portal), portal.tables, portal.service_key()
            self.deals = portal.tables["deals"]
            self.template, self.stage, self.amount = ready.HUBSPOT, "dealstage", "amount"
            self.won, self.lost, self.open = "closedwon", "closedlost", "contractsent"

    def outcomes(self) -> set[tuple[str, str, Decimal | None]]:
        """What core/outcomes must hold."""
        kinds = {self.won: "deal_won", self.lost: "deal_lost"}
        return {
            (f"{self.system}/deals/{row.id}", kinds[row.values[self.stage]], row.values[self.amount])
            for row in self.live()
            if row.values[self.stage] in kinds
        }

    def live(self) -> list[Any]:
        return list(self.deals.live())

    def owner(self, person: str) -> str:
        """The id under which a person owns records."""
        if self.system == "hubspot":
            return str(70_000 + int(person[1:]) - 1000)
        return next(row.id for row in self.tables["User"].live() if row.values["EmployeeNumber"] == person)

    def rate(self, person: str, rating: Decimal | None, at: datetime) -> str:
        """A customer's rating of a ticket of theirs; the record's id."""
        if self.system == "hubspot":
            values = {"hs_value": rating, "hs_submission_timestamp": at, "hubspot_owner_id": self.owner(person)}
            return self.tables["feedback_submissions"].insert(values, trusted=True).id
        values = {"CSAT__c": rating, "ClosedDate": at, "OwnerId": self.owner(person), "Status": "Closed"}
        return self.tables["Case"].insert(values, trusted=True).id

    def table(self) -> Table:
        return self.deals


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["salesforce", "hubspot"])
def cloud(
    request: pytest.FixtureRequest, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[tuple[Cloud, CrmHome]]:
    cloud = Cloud(request.param)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trust))
    monkeypatch.setenv("ROLECALL_SALESFORCE_CLIENT_SECRET", cloud.secret)
    monkeypatch.setenv("ROLECALL_HUBSPOT_TOKEN", cloud.secret)
    home = CrmHome(tmp_path / "home")
    home.know(
        [
            {
                "tenant": "acme",
                "learner_id": key(n),
                "email": f"{key(n)}@acme.example",
                "accounts": {cloud.system: cloud.owner(key(n))},
            }
            for n in range(1, PEOPLE + 1)
        ]
    )
    with served(cloud.app, authority.chain, authority.key) as address:
        home.write(cloud.system, yaml.safe_load(cloud.template.format(address=address, secret="named")))
        yield cloud, home


def held(home: CrmHome) -> set[tuple[str, str, Decimal | None]]:
    rows = home.outcomes("reference, kind, value")
    return {(reference, kind, None if value is None else Decimal(value)) for reference, kind, value in rows}


def test_outcomes_follow_changed_reopened_and_deleted_deals(cloud: tuple[Cloud, CrmHome]) -> None:
    there, home = cloud
    landed = home.read(there.system)["deals"]
    assert (landed.accepted, landed.refused) == (DEALS, 0)
    assert held(home) == there.outcomes()
    there.clock.forward(3_600)
    rows = there.live()
    for at, row in enumerate(rows[:CHANGED]):
        stage = (there.won, there.lost, there.open)[at % 3]
        there.table().update(row.id, {there.stage: stage, there.amount: Decimal(at) + Decimal("0.99")})
    for row in rows[CHANGED : CHANGED + DELETED]:
        there.table().delete(row.id)
    again = home.read(there.system)["deals"]
    assert again.accepted == CHANGED + DELETED
    assert held(home) == there.outcomes()
    third = home.read(there.system)["deals"]
    assert third.accepted == 0
    assert held(home) == there.outcomes()


def test_the_simulator_of_the_command_line_is_connected_to_by_the_file_that_it_prints(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trust))
    port = free_port()
    words = ("--system", "hubspot", "--people", "3", "--deals", "7", "--port", str(port))
    tls = ("--certificate", str(authority.chain), "--key", str(authority.key))
    child = Command(tmp_path).start("serve", "crm-simulator", *words, *tls)
    try:
        assert child.stdout is not None
        text = "".join(iter(child.stdout.readline, "\n"))
        token = re.search(r"export ROLECALL_HUBSPOT_TOKEN=(\S+)", text)
        assert token is not None, text
        monkeypatch.setenv("ROLECALL_HUBSPOT_TOKEN", token[1])
        home = CrmHome(tmp_path / "home")
        home.know([{"tenant": "acme", "learner_id": key(1), "email": f"{key(1)}@acme.example"}])
        content = yaml.safe_load(text)
        assert content["url"] == f"https://localhost:{port}"
        home.write("hubspot", {name: content[name] for name in content if name not in ("kind", "tenant")})
        assert home.read("hubspot")["deals"].accepted == 7
    finally:
        child.terminate()
        child.communicate(timeout=20)


def test_the_example_file_reads_ratings_of_tickets(cloud: tuple[Cloud, CrmHome]) -> None:
    """What we ship as an example, with nothing changed but the address and the way in."""
    there, home = cloud
    given = yaml.safe_load((PROJECT / "config" / "connectors" / f"{there.system}-example.yaml").read_text("utf-8"))
    known = yaml.safe_load((home.config / "connectors" / f"{there.system}.yaml").read_text("utf-8"))
    home.write(there.system, {"system": there.system, "read": given["read"],
                              **{name: known[name] for name in ("url", "secrets", "options")}})  # fmt: skip
    answered = datetime(2026, 10, 5, 12, tzinfo=UTC)
    rated = there.rate(key(1), Decimal(4), answered), there.rate(key(2), Decimal(1), answered)
    there.rate(key(3), None, answered)
    landed = home.read(there.system)
    assert landed["ratings"].refused == 0
    found = [row[1:] for row in home.outcomes("kind, reference, value, unit, learner_key, day") if row[0] == "csat"]
    assert [(*row[:3], row[3] is not None, row[4]) for row in found if row[1] is not None] == [
        (f"{there.system}/ratings/{row}", value, "1-5", True, answered.date())
        for row, value in zip(rated, (Decimal(4), Decimal(1)), strict=True)
    ]
    assert {row[3] for row in found} >= {home.identities.key("acme", key(each)) for each in (1, 2)}
