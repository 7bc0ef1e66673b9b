"""The ``sql`` connector and what becomes of its rows, on a real SQLite file."""

import random
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support import sqlite
from support.crm import PEOPLE, CrmHome
from support.writeback import Table

from assets.core import reported

DEALS = {
    "object": "deals",
    "as": "deal",
    "modified_at": "modified_at",
    "fields": {
        "amount": "amount", "currency": "currency", "stage": "stage", "opened_at": "opened_at", "closed_at": "closed_at"
    },
    "people": [{"field": "owner", "match": "email"}],
    "attributes": {"product": "product"},
    "stages": {"won": "won", "lost": "lost", "talk": "open"},
}  # fmt: skip
COLUMNS = (
    "id integer primary key, amount numeric(14, 2), currency text, stage text, opened_at timestamp,"
    " closed_at timestamp, owner text, product text, modified_at timestamp"
)


class Crm:
    """A CRM that is a table of deals."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run(f"create table deals ({COLUMNS})")

    def run(self, statement: str, *values: object) -> None:
        with sqlite.opened(self.path) as con:
            con.execute(statement, values)

    def deal(self, number: int, stage: str = "won", amount: str = "100.10", at: str = "2026-11-01 10:00:00") -> None:
        closed = None if stage == "talk" else "2026-10-05 12:00:00"
        self.run(
            "insert or replace into deals values (?, ?, 'EUR', ?, '2026-09-01 08:00:00', ?, ?, 'plus', ?)",
            number, amount, stage, closed, f"Rep{(number - 1) % 5 + 1}@Example.com", at,
        )  # fmt: skip


@pytest.fixture
def crm(tmp_path: Path) -> Crm:
    return Crm(tmp_path / "crm.db")


@pytest.fixture
def home(tmp_path: Path, crm: Crm) -> CrmHome:
    home = CrmHome(tmp_path / "home")
    home.know(PEOPLE)
    home.write("warehouse", {"system": "sql", "url": f"sqlite:///{crm.path}", "read": {"deals": DEALS}})
    return home


def test_deals_become_outcomes_with_exact_money(crm: Crm, home: CrmHome) -> None:
    crm.deal(1)
    crm.deal(2, "lost", "0")
    crm.deal(3, "talk")
    landed = home.read("warehouse")["deals"]
    assert (landed.read, landed.accepted, landed.repeated, landed.refused) == (3, 3, 0, 0)
    first, second = home.outcomes()
    key = home.identities.key("acme", "e1")
    assert second == ("deal_won", Decimal("100.1000"), "EUR", "warehouse/deals/1", key, "owner:email")
    assert first[:2] == ("deal_lost", Decimal("0.0000"))
    ((exposure,),) = home.rows("core/outcomes", "distinct exposure_from")
    assert exposure == datetime(2026, 9, 1, 8, tzinfo=UTC)


def test_ties_at_the_cursor_are_neither_lost_nor_landed_twice(crm: Crm, home: CrmHome) -> None:
    home.write(
        "warehouse",
        {"system": "sql", "url": f"sqlite:///{crm.path}", "read": {"deals": DEALS},
         "options": {"page": 3, "overlap_s": 0}},
    )  # fmt: skip
    for number in range(1, 11):
        crm.deal(number)  # all at the same moment, over four pages
    assert home.read("warehouse")["deals"].accepted == 10
    crm.deal(11)  # the same moment again, after the cursor passed it
    crm.deal(4, amount="7")
    landed = home.read("warehouse")["deals"]
    assert landed.accepted == 2
    assert len(home.outcomes()) == 11


def test_a_reopened_deal_loses_its_outcome_and_gets_it_back(crm: Crm, home: CrmHome) -> None:
    crm.deal(1)
    home.read("warehouse")
    crm.deal(1, "talk", at="2026-11-02 10:00:00")
    home.read("warehouse")
    assert home.outcomes() == []
    crm.deal(1, at="2026-11-03 10:00:00")  # as it was: an older version comes again
    assert home.read("warehouse")["deals"].accepted == 1
    assert [row[0] for row in home.outcomes()] == ["deal_won"]


def test_deleted_rows_leave_core_and_an_empty_table_clears_nothing(crm: Crm, home: CrmHome) -> None:
    for number in range(1, 6):
        crm.deal(number)
    home.read("warehouse")
    crm.run("delete from deals where id = 2")
    landed = home.read("warehouse")["deals"]
    assert (landed.gone, landed.held_back) == (1, None)
    assert len(home.outcomes()) == 4
    crm.run("delete from deals")
    landed = home.read("warehouse")["deals"]
    assert landed.gone == 0
    assert "4 of 4 deals are missing" in (landed.held_back or "")
    assert len(home.outcomes()) == 4
    assert home.read("warehouse", accept_deletes=True)["deals"].gone == 4
    assert home.outcomes() == []


def test_a_bad_row_is_refused_with_its_reason_and_the_others_land(crm: Crm, home: CrmHome) -> None:
    crm.deal(1)
    crm.deal(2, amount="much")
    landed = home.read("warehouse")["deals"]
    assert (landed.read, landed.accepted, landed.refused) == (2, 1, 1)
    assert "deals 2: amount is not a number" in landed.reasons[0].reason


def test_no_address_reaches_the_lake_and_late_directory_entries_attribute_old_deals(crm: Crm, home: CrmHome) -> None:
    crm.run("insert into deals values (9, 5, 'EUR', 'won', null, '2026-10-05', 'new@example.com', 'x', '2026-11-01')")
    home.read("warehouse")
    (counts,) = reported.summary(home.lake)
    assert (counts.outcomes, counts.unmatched) == (0, 1)
    raw = b"".join(path.read_bytes() for path in (home.folder / "lake").rglob("*.parquet"))
    assert b"example.com" not in raw
    home.know([{"tenant": "acme", "learner_id": "e9", "email": "NEW@example.com"}])
    home.derive()
    assert home.outcomes("learner_key") == [(home.identities.key("acme", "e9"),)]


def test_an_unknown_stage_counts_as_open_and_is_told(crm: Crm, home: CrmHome) -> None:
    crm.deal(1, "verbal yes")
    home.read("warehouse")
    (counts,) = reported.summary(home.lake)
    assert (counts.open, counts.unknown_stages) == (1, ("verbal yes",))


def test_a_vanished_column_stops_the_read_with_one_line(crm: Crm, home: CrmHome) -> None:
    crm.deal(1)
    home.read("warehouse")
    crm.run("alter table deals drop column product")
    from integrations.sources import SourceError

    with pytest.raises(SourceError, match="deals has no column product"):
        home.read("warehouse")
    assert len(home.outcomes()) == 1


def test_kills_during_a_write_back_lose_nobody_and_write_nobody_twice(tmp_path: Path) -> None:
    """A sample of `make soak`, which kills a hundred times."""
    table = Table(tmp_path, learners=30)
    assert table.killed(3, random.Random(7)) == 3
    assert table.differences() == []
