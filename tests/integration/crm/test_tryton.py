"""Reading a real Tryton."""

from decimal import Decimal
from typing import Any

import pytest
import yaml
from support.crm import CrmHome
from support.tryton import Server

from integrations.sources import SourceError

DEALS, CHANGED, DELETED = 400, 10, 4


def known(home: CrmHome, employees: list[int]) -> None:
    home.know(
        [{"tenant": "acme", "learner_id": f"e{number}", "accounts": {"tryton": str(number)}} for number in employees]
    )


def as_tryton_has_them(crm: Server) -> dict[str, tuple[str, Decimal]]:
    """Closed deals by id, read with a bare client."""
    names = ["id", "amount", "state"]
    rows = crm.call(
        "sale.opportunity", "search_read", [["state", "in", ["won", "lost", "cancelled"]]], 0, None, None, names
    )
    kinds = {"won": "deal_won", "lost": "deal_lost", "cancelled": "deal_lost"}
    return {str(row["id"]): (kinds[row["state"]], Decimal(row["amount"]["decimal"])) for row in rows}


def as_core_has_them(home: CrmHome) -> dict[str, tuple[str, Decimal]]:
    rows = home.outcomes("reference, kind, value")
    return {reference.rpartition("/")[2]: (kind, value) for reference, kind, value in rows}


def test_changes_deletions_and_reopened_deals_reach_core(crm: Server, home: CrmHome) -> None:
    owners = crm.employees([f"Rep {number}" for number in range(20)])
    made = crm.deals(DEALS, owners)
    known(home, owners)
    crm.close_deals("won", f"id between {made[0]} and {made[200]}")
    crm.close_deals("cancelled", f"id between {made[201]} and {made[220]}")
    landed = home.read("tryton")["deals"]
    assert (landed.read, landed.accepted, landed.gone) == (DEALS, DEALS, 0)
    assert as_core_has_them(home) == as_tryton_has_them(crm)

    leads = made[300 : 300 + CHANGED // 2]
    crm.call("sale.opportunity", "write", leads, {"amount": {"__class__": "Decimal", "decimal": "0.00"}})
    crm.call("sale.opportunity", "opportunity", made[310 : 310 + CHANGED // 2])
    crm.call("sale.opportunity", "lost", made[310 : 310 + CHANGED // 2])
    crm.call("sale.opportunity", "delete", made[201 : 201 + DELETED])
    landed = home.read("tryton")["deals"]
    assert (landed.accepted, landed.gone) == (CHANGED + DELETED, DELETED)
    assert as_core_has_them(home) == as_tryton_has_them(crm)
    assert home.read("tryton")["deals"].accepted == 0


def test_a_read_that_broke_off_goes_on_and_loses_nothing(
    crm: Server, home: CrmHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assets.raw import records

    monkeypatch.setattr(records, "CHUNK", 150)
    owners = crm.employees(["Ann"])
    crm.deals(DEALS, owners)
    with home.opened("tryton") as source:
        pages = source.read

        def breaking(*given: Any) -> Any:
            for number, page in enumerate(pages(*given)):
                if number == 2:
                    raise SourceError("tryton: no answer")
                yield page

        source.read = breaking  # type: ignore[method-assign]
        from integrations.crm.config import load

        with pytest.raises(SourceError, match="no answer"):
            records.land(
                source, load(home.config, "tryton"), lake=home.lake, state=home.state, identities=home.identities
            )
    held = {row for (row,) in home.rows("raw/crm_records", "record_id")}
    assert len(held) == 300
    home.read("tryton")
    every = {str(each) for each in crm.call("sale.opportunity", "search", [])}
    landed = [row for (row,) in home.rows("raw/crm_records", "record_id")]
    assert set(landed) == every
    assert len(landed) == len(every)


def test_wrong_password_and_missing_field_are_one_clear_line(
    crm: Server, home: CrmHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.config / "connectors" / "tryton.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    content["read"]["deals"]["fields"]["amount"] = "revenue"
    path.write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(SourceError, match="opportunity has no field revenue"):
        home.read("tryton")
    monkeypatch.setenv("CRM_PASSWORD", "wrong")
    with pytest.raises(SourceError, match="refuses the login admin"):
        home.read("tryton")
