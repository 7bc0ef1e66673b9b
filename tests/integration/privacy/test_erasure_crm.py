"""Whoever is forgotten leaves what CRMs told about them as well, and the next read does not bring them back."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from support import sqlite
from support.crm import CrmHome

from assets import erasure
from assets.core import reported
from governance import secrets
from governance.identities import Identities
from governance.settings import Settings
from governance.source_people import SourcePeople
from governance.state import State
from integrations.sync.ledger import Ledger
from pipelines import environment
from pipelines.privacy import Desk

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEADER = "deal,stage,amount,closed,closer,owner"
# e1 is erased: alone, first, second, and as the former owner of a deal
FIRST = ["1,won,10,2026-10-05,e1,", "2,won,20,2026-10-05,e1,e2", "3,won,30,2026-10-06,e2,e1", "4,won,40,2026-10-06,e2,",
         "5,won,50,2026-10-07,e1,", "6,won,60,2026-10-07,e2,"]  # fmt: skip
SECOND = [*FIRST[:4], "5,won,50,2026-10-07,e2,", "6,won,60,2026-10-07,e1,"]
READ = {
    "deals": {
        "object": "deals-*.csv",
        "as": "deal",
        "id": "deal",
        "fields": {"stage": "stage", "amount": "amount", "closed_at": "closed"},
        "constants": {"currency": "EUR"},
        "people": [{"field": "closer", "match": "account"}, {"field": "owner", "match": "learner_id"}],
        "stages": {"won": "won"},
    },
    "staff": {
        "object": "staff.csv",
        "as": "people",
        "fields": {"learner_id": "number", "email": "mail", "hire_date": "hired"},
    },
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrmHome:
    """Two learners of a CRM's drops, their ids there being those of the directory."""
    home = CrmHome(tmp_path / "home")
    for name, value in (("HOME", home.folder), ("CONFIG", home.config), ("SECRET_KEY", "x" * 40)):
        monkeypatch.setenv(f"ROLECALL_{name}", str(value))
    home.identities = Identities(home.state, secrets.secret_key(Settings()))
    drops = tmp_path / "drops"
    drops.mkdir()
    (drops / "staff.csv").write_text(
        "id,number,mail,hired\ne1,e1,ann@example.com,2026-01-05\ne2,e2,bob@example.com,2026-01-05\n"
    )
    for number, lines in enumerate((FIRST, SECOND)):
        (drops / f"deals-{number}.csv").write_text("\n".join([HEADER, *lines]))
        if number == 0:
            home.write("drops", {"system": "files", "options": {"folder": str(drops)}, "read": READ, "ramp": {}})
        home.read("drops")
    return home


def erase(home: CrmHome, learner: str) -> Any:
    environment.prepare()
    return Desk(Settings(), State.open(Settings().database_url), "acme", "os:test", NOW).erase([learner], dry_run=False)


def deals(home: CrmHome) -> set[tuple[str, str]]:
    rows = home.outcomes("reference, learner_key, kind")
    return {(reference.rpartition("/")[2], key) for reference, key, kind in rows if kind == "deal_won"}


def test_records_derived_outcomes_and_named_values_go_and_do_not_come_back(home: CrmHome) -> None:
    ann, bob = (home.identities.key("acme", each) for each in ("e1", "e2"))
    tokens = home.identities.tokens("acme").filter(pl.col("learner_key") == ann)["token"].to_list()
    assert deals(home) == {("1", ann), ("2", ann), ("3", bob), ("4", bob), ("5", bob), ("6", ann)}
    assert SourcePeople(home.state).values("acme", tokens)

    with Ledger(home.state).claim("drops/people", "crm"):
        pass
    with home.state.session() as session:
        session.connection().exec_driver_sql(
            "insert into sync_records (target, key, tenant, digest, payload, remote_id, acknowledged_at, run_id)"
            f" values ('drops/people', '{ann}', 'acme', 'd', '{{}}', '17', '2026-11-01 00:00:00.000000', 'r')"
        )
    outcome = erase(home, "e1")
    assert outcome.removed["raw/crm_records"] == 6  # deals 1 and 2, the cut off 3, 5 as it was, both versions of 6
    assert outcome.removed["source_people"] == 2
    assert outcome.elsewhere == ["drops/people, record 17"]

    assert deals(home) == {("3", bob), ("4", bob), ("5", bob)}
    assert not reported.unmatched(home.lake)["token"].is_in(tokens).any()
    _nowhere(home, [ann, *tokens, "ann@example.com"])

    landed = home.read("drops")
    assert landed["deals"].refused == 3
    assert {reject.rule for reject in landed["deals"].reasons} == {"erased"}
    assert (landed["staff"].refused, landed["staff"].reasons[0].rule) == (1, "erased")
    assert deals(home) == {("3", bob), ("4", bob), ("5", bob)}
    _nowhere(home, [ann, *tokens, "ann@example.com"])


def test_the_last_person_of_a_connector_leaves_no_deal(home: CrmHome) -> None:
    tokens = home.identities.tokens("acme")["token"].to_list()
    assert erasure.remove(home.lake, "acme", [], [], tokens).rows["raw/crm_records"] == 8
    home.derive()
    assert home.rows("raw/crm_records") == []
    assert deals(home) == set()
    assert reported.unmatched(home.lake).is_empty()


def _nowhere(home: CrmHome, words: list[str]) -> None:
    """Neither the lake nor the state database holds a word; blocks against a return are digests of their own."""
    with sqlite.reading(home.folder / "state.db") as con:
        held = "\n".join(con.iterdump())
    for table in ("raw/crm_records", reported.TABLE, "core/outcomes"):
        held += str(home.rows(table))
    held += str(reported.unmatched(home.lake).rows())
    for word in words:
        assert re.search(re.escape(word), held) is None, word
