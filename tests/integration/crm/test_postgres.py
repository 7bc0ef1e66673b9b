"""The ``sql`` connector on a real PostgreSQL: exact types and ties, readiness into its rows, and the whole command."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from sqlalchemy import select
from support.command import Command
from support.crm import PEOPLE, CrmHome
from support.pipeline import NOW
from support.writeback import Practice

from assets.exports.crm_writeback import crm_writeback
from assets.raw.tables import raw_crm_records
from assets.resources import Workspace
from governance.settings import Settings
from governance.state.models import SyncRejectRow
from integrations.sources import SourceError
from pipelines import doctor

TABLES = """
create schema crm;
create table crm.deals (
    id uuid primary key, amount numeric(14, 2), currency char(3), stage text, opened_at timestamp,
    closed_at timestamptz, owner text, product text, updated_at timestamptz not null
);
create table crm.people (
    id integer primary key, discovery numeric(5, 2) check (not locked or discovery is null), certified_on date,
    certification varchar(80), due date, source text, locked boolean not null default false
);
"""
DEALS = {
    "object": "deals",
    "as": "deal",
    "modified_at": "updated_at",
    "fields": {
        "amount": "amount", "currency": "currency", "stage": "stage", "opened_at": "opened_at", "closed_at": "closed_at"
    },
    "people": [{"field": "owner", "match": "email"}],
    "attributes": {"product": "product"},
    "stages": {"won": "won", "lost": "lost", "talk": "open"},
}  # fmt: skip
WRITE = {
    "object": "people",
    "fields": {
        "readiness.discovery": "discovery", "last_certified_on": "certified_on", "last_certification": "certification",
        "next_practice_due": "due", "provenance": "source",
    },
}  # fmt: skip
MOMENT = datetime(2026, 11, 1, 10, tzinfo=UTC)


class Warehouse:
    """The customer's database."""

    def __init__(self, address: str) -> None:
        self.url = address.replace("postgresql://", "postgresql+psycopg://")
        self.con = psycopg.connect(address, autocommit=True)
        self.con.execute(TABLES)  # type: ignore[arg-type]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.con.execute(query).fetchall()  # type: ignore[call-overload]

    def deals(self, numbers: Sequence[int], at: datetime = MOMENT, stage: str = "won", amount: str = "100.10") -> None:
        closed = datetime(2026, 10, 6, 1, tzinfo=timezone(timedelta(hours=2)))  # still the fifth in UTC
        with self.con.cursor() as cursor:
            cursor.executemany(
                "insert into crm.deals values (%s::uuid, %s, 'EUR', %s, '2026-09-01 08:00', %s, %s, 'plus', %s)"
                " on conflict (id) do update set amount = excluded.amount, stage = excluded.stage,"
                " updated_at = excluded.updated_at",
                [(_uuid(each), amount, stage, closed, f"Rep{each % 5 + 1}@Example.com", at) for each in numbers],
            )

    def people(self, count: int) -> list[str]:
        self.con.execute("insert into crm.people (id) select generate_series(1, %s)", [count])
        return [str(number) for number in range(1, count + 1)]

    def written(self) -> int:
        ((count,),) = self.rows("select count(*) from crm.people where source is not null")
        return count


@pytest.fixture
def warehouse(postgres_database: str) -> Iterator[Warehouse]:
    found = Warehouse(postgres_database)
    yield found
    found.con.close()


@pytest.fixture
def home(tmp_path: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> CrmHome:
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "kept in the environment")
    home = CrmHome(tmp_path / "home")
    connect(home, warehouse)
    return home


def connect(home: CrmHome, warehouse: Warehouse, **write: Any) -> Any:
    content = {
        "system": "sql",
        "url": warehouse.url,
        "secrets": {"password": "WAREHOUSE_PASSWORD"},
        "options": {"schema": "crm", "zone": "Europe/Berlin", "page": 4, "overlap_s": 0},
        "read": {"deals": DEALS},
    }
    return home.write("warehouse", {**content, "write": {**WRITE, **write}})


@pytest.fixture
def practise(home: CrmHome, warehouse: Warehouse, published: Path) -> Callable[[], Practice]:
    """People who have practised, each with a row in the customer's table."""

    def made() -> Practice:
        practice = Practice(home.folder, home.state, learners=40, sessions=400, published=published)
        keys = practice.learners()
        practice.know(dict(zip(keys, warehouse.people(len(keys)), strict=True)), "warehouse")
        return practice

    return made


def test_changes_ties_and_deletions_reach_core_with_exact_types(warehouse: Warehouse, home: CrmHome) -> None:
    home.know(PEOPLE)
    warehouse.deals(range(10))  # all of one moment, over three pages
    landed = home.read("warehouse")["deals"]
    assert (landed.read, landed.accepted, landed.refused) == (10, 10, 0)
    ((value, unit, exposure, day),) = home.outcomes("distinct value, unit, exposure_from, day")
    assert (value, unit, str(day)) == (Decimal("100.1000"), "EUR", "2026-10-05")
    assert exposure == datetime(2026, 9, 1, 6, tzinfo=UTC)  # the column has no offset: the connector's zone

    warehouse.deals([10, 11])  # that moment again, after the cursor has passed it
    warehouse.deals([3], stage="talk", at=MOMENT + timedelta(microseconds=1))
    warehouse.con.execute("delete from crm.deals where id = %s", [_uuid(4)])
    landed = home.read("warehouse")["deals"]
    assert (landed.accepted, landed.gone) == (4, 1)
    assert home.read("warehouse")["deals"].accepted == 0
    closed = {f"warehouse/deals/{each}" for (each,) in warehouse.rows("select id from crm.deals where stage = 'won'")}
    assert {reference for (reference,) in home.outcomes("reference")} == closed


def test_a_database_that_does_not_answer_is_one_line_without_the_password(warehouse: Warehouse, home: CrmHome) -> None:
    home.write("warehouse", {"system": "sql", "url": "postgresql+psycopg://rolecall@127.0.0.1:1/none",
                             "secrets": {"password": "WAREHOUSE_PASSWORD"}, "read": {"deals": DEALS}})  # fmt: skip
    with pytest.raises(SourceError, match="the database does not answer") as caught:
        home.read("warehouse")
    assert "\n" not in str(caught.value)
    assert "kept in the environment" not in str(caught.value)


def test_the_doctor_tells_what_each_connector_lacks(warehouse: Warehouse, home: CrmHome) -> None:
    settings = Settings(home=home.folder, config=home.config)
    finding = doctor.crms(settings, NOW)
    assert (finding.level, finding.detail) == ("ok", "warehouse: objects to read: 1, fields to write: 5")
    warehouse.con.execute("alter table crm.people drop column due")
    home.write("drops", {"system": "files", "options": {"folder": "/nowhere"},
                         "read": {"deals": {**DEALS, "object": "*.csv", "modified_at": None}}})  # fmt: skip
    finding = doctor.crms(settings, NOW)
    assert finding.level == "fail"
    assert "drops: no file in /nowhere fits *.csv; warehouse: people: it has no field due" in finding.detail
    assert "Put one there" in (finding.remedy or "")


def test_readiness_arrives_and_only_what_the_database_refuses_is_tried_again(
    warehouse: Warehouse, home: CrmHome, practise: Callable[[], Practice]
) -> None:
    practice, connector = practise(), connect(home, warehouse)
    every = len(practice.learners())
    warehouse.con.execute("update crm.people set locked = true where id <= 2")
    report = practice.write(connector).report
    assert report is not None
    refused = [number for number in (1, 2) if number in _with_discovery(practice, connector)]
    assert refused
    counts = report.counts
    assert (counts.acknowledged, counts.refused, counts.left) == (every - len(refused), len(refused), 0)
    assert warehouse.written() == every - len(refused)
    with home.state.reading() as session:
        reasons = list(session.scalars(select(SyncRejectRow.reason)))
    assert len(reasons) == len(refused)
    assert all("check constraint" in reason for reason in reasons)

    warehouse.con.execute("update crm.people set locked = false")
    before = warehouse.rows("select xmin, id from crm.people where source is not null order by id")
    report = practice.write(connector).report
    assert report is not None
    assert (report.counts.planned, report.counts.acknowledged) == (len(refused), len(refused))
    gone_through = ", ".join(map(str, refused))
    assert warehouse.rows(f"select xmin, id from crm.people where id not in ({gone_through}) order by id") == before
    assert practice.write(connector).report is None


def _with_discovery(practice: Practice, connector: Any) -> set[int]:
    planned = practice.desk.plan(connector, NOW)
    rows = planned.wanted.filter(planned.wanted["discovery"].is_not_null())
    return {int(address) for address in rows["address"]}


def test_the_command_previews_fetches_writes_and_does_nothing_the_second_time(
    warehouse: Warehouse, home: CrmHome, practise: Callable[[], Practice]
) -> None:
    practice = practise()
    every = len(practice.learners())
    warehouse.deals(range(6))
    rolecall = Command(home.folder, ROLECALL_CONFIG=str(home.config), WAREHOUSE_PASSWORD="any")
    dry = rolecall("sync", "crm", "--connector", "warehouse", "--dry-run")
    assert f"{every} people's records would be changed; nothing was written" in dry
    assert warehouse.written() == 0
    assert home.rows("raw/crm_records") == []

    said = rolecall("sync", "crm")
    assert "deals: 6 read whole: 6 new or changed (0 deleted), 0 known, 0 refused" in said
    assert "deals: Rep1@Example.com is no known learner" in said
    assert f"{every} people's records written and read back" in said
    assert warehouse.written() == every

    again = rolecall("sync", "crm", "--connector", "warehouse")
    assert "0 new or changed" in again
    assert f"nothing to write; {every} people's records are up to date" in again

    unmatched = rolecall("sync", "crm", "--connector", "warehouse", "--unmatched")
    listed = sorted(tuple(line.split()) for line in unmatched.splitlines() if "@" in line)
    assert listed == [("deals", f"Rep{number}@Example.com", "2" if number == 1 else "1") for number in range(1, 6)]


def test_dagster_fetches_and_writes_and_one_connector_that_fails_holds_up_no_other(
    warehouse: Warehouse, home: CrmHome, practise: Callable[[], Practice]
) -> None:
    practice = practise()
    home.know(PEOPLE)
    warehouse.deals(range(6))
    home.write("absent", {"system": "files", "options": {"folder": str(home.folder / "none")},
                          "read": {"deals": {**DEALS, "object": "*.csv", "modified_at": None}}})  # fmt: skip
    workspace = Workspace(
        home=str(home.folder), config=str(home.config), state_url=f"sqlite:///{home.folder / 'state.db'}"
    )
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(
            [raw_crm_records], resources={"workspace": workspace}, instance=instance, raise_on_error=False
        )
        assert not done.success
        assert len(home.rows("raw/crm_records")) == 6
        (home.config / "connectors" / "absent.yaml").unlink()
        assets = [raw_crm_records, crm_writeback]
        done = dg.materialize(assets, resources={"workspace": workspace}, instance=instance)
    (written,) = done.asset_materializations_for_node("exports__crm_writeback")
    assert written.metadata["dagster/row_count"].value == len(practice.learners())
    assert warehouse.written() == len(practice.learners())


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"
