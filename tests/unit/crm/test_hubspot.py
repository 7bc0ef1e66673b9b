"""The HubSpot connector against the simulator, over TLS: read in steps, written back, with all that goes wrong."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.crm_clouds import START, Authority, Clock
from support.reading import alive, read_all
from support.sync import FakeTime
from support.write_back import codes, died_before_acknowledgement, refused_at_preflight, write_back

from integrations.crm.config import CrmConnector, Writing
from integrations.crm.hubspot import Hubspot
from integrations.crm.hubspot.reader import _Asked
from integrations.crm.simulators.faults import answer
from integrations.crm.simulators.hubspot import Portal, too_many
from integrations.crm.simulators.hubspot_search import search
from integrations.crm.simulators.people import fill_portal, key
from integrations.crm.simulators.store import Rule
from integrations.sources import Query, Record, SourceError
from integrations.sync.base import SyncError
from integrations.sync.ledger import Ledger

DEALS = Query("deals", ("amount", "closedate", "dealstage", "hs_is_closed_won", "owner.email"))
FIELDS = {
    "readiness.discovery": "roleplay_readiness",
    "last_certification": "roleplay_level",
    "last_certified_on": "roleplay_certified_on",
    "provenance": "roleplay_source",
}
WRITING = Writing(object="contacts", key="roleplay_key", match="learner_id", fields=FIELDS)
SERVER_ERROR = answer(502, {"status": "error", "message": "bad gateway"})


@pytest.fixture
def crm(
    portal: Portal, portal_address: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hubspot]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trust))
    monkeypatch.setenv("HS_TOKEN", portal.service_key())
    found = opened(portal_address)
    yield found
    found.close()


def opened(address: str, **options: Any) -> Hubspot:
    own = {"owners_email": True, "calls_a_minute": 1_000_000} | options
    connector = CrmConnector(
        name="hs", system="hubspot", tenant="acme", url=address, secrets={"token": "HS_TOKEN"}, options=own
    )
    found = Hubspot(connector)
    found.portal.sleep = lambda _: None
    found.portal._searches._sleep = lambda _: None
    return found


def records(crm: Hubspot, query: Query = DEALS, cursor: str | None = None) -> tuple[dict[str, Record], str | None, int]:
    return read_all(crm, query, cursor)


def state(portal: Portal) -> dict[str, Decimal | None]:
    return {row.id: row.values["amount"] for row in portal.tables["deals"].live()}


def clock(portal: Portal) -> Clock:
    assert isinstance(portal.clock, Clock)
    return portal.clock


def spread(portal: Portal, kind: str = "deals", seconds: float = 1.0) -> None:
    """Give every record a moment of its own."""
    for row in portal.tables[kind]:
        row.modified = START + timedelta(seconds=row.number * seconds)
    clock(portal).forward(len(portal.tables[kind].rows) * seconds + 1_000)


def test_reads_typed_values(crm: Hubspot, portal: Portal) -> None:
    fill_portal(portal, people=3, deals=4)
    found, _, _ = records(crm)
    emails = {owner.id: owner.email for owner in portal.owners}
    for row in portal.tables["deals"]:
        fields = found[row.id].fields
        assert fields["amount"] == row.values["amount"]
        assert fields["closedate"] == row.values["closedate"]
        assert fields["hs_is_closed_won"] is (row.values["dealstage"] == "closedwon")
        assert fields["owner.email"] == emails[row.values["hubspot_owner_id"]]
    people, _, _ = records(crm, Query("contacts", ("email", "hire_date")))
    assert all(isinstance(each.fields["hire_date"], date) for each in people.values())


def test_owners_addresses_only_where_they_are_allowed(crm: Hubspot, portal: Portal, portal_address: str) -> None:
    fill_portal(portal, people=1, deals=1)
    strict = opened(portal_address, owners_email=False)
    with pytest.raises(SourceError) as refused:
        records(strict)
    assert "owners_email" in str(refused.value.remedy)
    assert portal.faults.made("owners") == 0


def test_reads_what_changed_and_what_is_gone(crm: Hubspot, portal: Portal) -> None:
    fill_portal(portal, people=3, deals=700)
    spread(portal)
    known, cursor, count = records(crm)
    assert (count, alive(known, "amount")) == (700, state(portal))
    clock(portal).forward(3_600)
    table, ids = portal.tables["deals"], list(portal.tables["deals"].rows)
    for each in ids[:50]:
        table.update(each, {"amount": 1})
    for each in ids[50:55]:
        table.delete(each)
    fresh, later, count = records(crm, cursor=cursor)
    assert count == 50
    gone = {record.id for page in crm.deleted(DEALS, cursor) for record in page.records}
    assert gone == set(ids[50:55])
    assert {k: v for k, v in alive(known | fresh, "amount").items() if k not in gone} == state(portal)
    clock(portal).forward(3_600)
    assert records(crm, cursor=later)[2] == 50  # nothing new: the overlap is read again, the cursor stays
    assert records(crm, cursor=later)[1] == later


def test_more_records_of_one_millisecond_than_a_page_holds(crm: Hubspot, portal: Portal) -> None:
    fill_portal(portal, people=2, deals=900)
    for row in list(portal.tables["deals"])[:100]:
        row.modified = START - timedelta(seconds=row.number)
    cursor = '["2026-11-02T09:00:00+00:00",""]'
    found, _, count = records(crm, cursor=cursor)
    assert (len(found), count) == (900, 900)
    assert portal.faults.made("/search") < 12


def test_more_changes_than_the_ceiling_of_a_search(crm: Hubspot, portal: Portal) -> None:
    portal.search_ceiling = 400
    fill_portal(portal, people=2, deals=1_500)
    spread(portal, seconds=0.01)
    found, _, _ = records(crm, cursor='["2026-11-02T09:00:00+00:00",""]')
    assert alive(found, "amount") == state(portal)


def test_records_that_move_between_pages_are_not_lost(crm: Hubspot, portal: Portal) -> None:
    fill_portal(portal, people=2, deals=900)
    spread(portal)
    table, ids = portal.tables["deals"], list(portal.tables["deals"].rows)

    def shift() -> None:
        clock(portal).forward(1)
        for each in ids[:150]:
            table.update(each, {"amount": 7})

    portal.faults.plan("POST .*/search", first=shift, skip=2, times=1)
    found, _, _ = records(crm, cursor='["2026-11-02T09:00:00+00:00",""]')
    assert alive(found, "amount") == state(portal)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.integers(0, 12), min_size=1, max_size=80), st.integers(2, 7), st.integers(0, 12))
def test_windows_find_every_change_once(
    crm: Hubspot, portal: Portal, moments: list[int], page: int, since: int
) -> None:
    """Whatever shares a moment, and however few rows a page holds."""
    table = portal.tables["deals"]
    table.rows.clear()
    for at in moments:
        table.insert({"dealname": "d"}, at=START + timedelta(milliseconds=at))
    clock(portal).at = START + timedelta(seconds=1)
    asked = _Asked(crm._catalogue, Query("deals", ("amount",)))

    def searched(_method: str, _path: str, body: Any) -> tuple[dict[str, Any], None]:
        rows, after, limit = search(portal, table, body)
        return {"results": [portal.shown(table, row) for row in rows[after : after + limit]]}, None

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("integrations.crm.hubspot.reader.SEARCH_ROWS", page)
        patched.setattr(crm.portal, "read", searched)
        found = [str(row["id"]) for some in crm._changes(asked, START + timedelta(milliseconds=since)) for row in some]
    expected = [row.id for row in table if row.modified >= START + timedelta(milliseconds=since)]
    assert sorted(found) == sorted(expected)


def test_an_index_that_lags_is_covered_by_the_overlap(crm: Hubspot, portal: Portal) -> None:
    fill_portal(portal, people=2, deals=5)
    _, cursor, _ = records(crm)
    portal.index_lag_s = 30
    clock(portal).forward(600)
    table, ids = portal.tables["deals"], list(portal.tables["deals"].rows)
    table.update(ids[0], {"amount": 1}, at=clock(portal).at - timedelta(seconds=40))
    table.update(ids[1], {"amount": 2}, at=clock(portal).at - timedelta(seconds=20))
    first, cursor, _ = records(crm, cursor=cursor)
    assert ids[1] not in first
    clock(portal).forward(60)
    second, _, _ = records(crm, cursor=cursor)
    assert ids[1] in second


def test_merged_contacts_leave_the_winner(crm: Hubspot, portal: Portal) -> None:
    fill_portal(portal, people=3)
    winner, loser, _ = portal.tables["contacts"].rows
    people = Query("contacts", ("email",))
    _, cursor, _ = records(crm, people)
    clock(portal).forward(600)
    portal.merge("contacts", winner, loser)
    fresh, _, _ = records(crm, people, cursor)
    assert (fresh[winner].deleted, fresh[loser].deleted) == (False, True)


def test_conditions_limit_what_is_read_and_what_lives(crm: Hubspot, portal: Portal) -> None:
    fill_portal(portal, people=1, deals=60)
    won = [{"propertyName": "dealstage", "operator": "EQ", "value": "closedwon"}]
    query = Query("deals", ("amount",), where=won)
    expected = {row.id for row in portal.tables["deals"] if row.values["dealstage"] == "closedwon"}
    assert records(crm, query)[0].keys() == expected
    assert {each for page in crm.keys(query) for each in page} == expected
    assert {each for page in crm.keys(DEALS) for each in page} == set(portal.tables["deals"].rows)


def test_storms_pass(crm: Hubspot, portal: Portal) -> None:
    fill_portal(portal, people=1, deals=5)
    portal.faults.plan("GET .*/objects", answer=too_many(retry_after=0), times=3)
    portal.faults.plan("GET .*/owners", lose=True, times=1)
    assert len(records(crm)[0]) == 5


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda portal: portal.tokens.clear(), "Service Key of this portal"),
        (lambda portal: portal.expired.update(portal.tokens), "new Service Key"),
        (lambda portal: portal.tokens.update(dict.fromkeys(portal.tokens, frozenset({"crm.schemas.deals.read"}))),
         r"Needed: crm\.objects\.deals\.read.*Add the scope"),
        (lambda portal: portal.tables["deals"].drop_field("amount"), "no property amount.*create it"),
        (lambda portal: setattr(portal, "versions", ("2027-03",)), "version is served for 18 months"),
        (lambda portal: portal.faults.plan("", answer=too_many("DAILY", 7_200), times=None), "DAILY.*next run"),
    ],
    ids=["key", "expired", "scope", "property", "version", "daily"],
)  # fmt: skip
def test_what_cannot_be_read_says_why_and_how_to_mend_it(crm: Hubspot, portal: Portal, spoil: Any, said: str) -> None:
    spoil(portal)
    with pytest.raises(SourceError) as failed:
        records(crm)
    assert re.search(said, f"{failed.value} {failed.value.remedy}")


def test_the_share_of_the_daily_calls_is_kept(crm: Hubspot, portal: Portal, ledger: Ledger) -> None:
    fill_portal(portal, people=150, deals=3)
    sink = sinked(crm, 150)
    sink.preflight()
    portal.daily = portal.used + 4
    portal.used += 2
    crm.describe("deals")  # its answer tells what is left
    with pytest.raises(SourceError, match="daily calls are used"):
        records(crm)
    done = write_back(ledger, sink, wanted(150))
    assert (done.stored, done.refused, writes(portal)) == (0, 0, 0)
    assert done.report.stopped is not None


def wanted(people: int, readiness: float = 71.5) -> dict[str, dict[str, Any]]:
    return {
        f"k{n}": {
            "roleplay_readiness": readiness,
            "roleplay_level": "proficient",
            "roleplay_certified_on": "2026-10-30",
            "roleplay_source": f"session s-{n}, rubric discovery 2",
        }
        for n in range(1, people + 1)
    }


def sinked(crm: Hubspot, people: int, writing: Writing = WRITING) -> Any:
    return crm.sink(writing, {f"k{n}": key(n) for n in range(1, people + 1)})


def shown(portal: Portal) -> int:
    return len({row.values["roleplay_source"] for row in portal.tables["contacts"].live()} - {None})


def writes(portal: Portal) -> int:
    return portal.faults.made("POST .*/batch/(update|upsert|create)")


@pytest.mark.parametrize("multi_status", [True, False], ids=["207", "400"])
def test_writes_2000_people_and_nothing_the_second_time(
    crm: Hubspot, portal: Portal, ledger: Ledger, multi_status: bool
) -> None:
    """Must show 2: all there on read-back, no second sending, ten refused alone, and they alone sent when mended."""
    portal.multi_status = multi_status
    many = 2_000 if multi_status else 500
    fill_portal(portal, people=many)
    contacts = portal.tables["contacts"]
    people = wanted(many)
    for n in range(100, 110):
        people[f"k{n}"]["roleplay_level"] = "guru"
    first = write_back(ledger, sinked(crm, many), people)
    assert (first.stored, first.refused, first.report.counts.left) == (many - 10, 10, 0)
    calls = writes(portal)
    assert calls == many // 100 if multi_status else calls < 120
    second = write_back(ledger, sinked(crm, many), people)
    assert (second.stored, second.refused, writes(portal)) == (0, 0, calls)
    contacts.limit_options("roleplay_level", ("proficient", "guru"))
    stamps = {row.id: row.modified for row in contacts}
    clock(portal).forward(60)
    third = write_back(ledger, sinked(opened(str(crm.portal._calls._http.base_url)), many), people, again=True)
    assert (third.stored, third.refused, writes(portal)) == (10, 0, calls + 1)
    assert sum(row.modified != stamps[row.id] for row in contacts) == 10
    assert shown(portal) == many
    assert len(contacts.rows) == many


@pytest.mark.parametrize("how", ["lost", "gateway", "storm", "daily"])
def test_an_answer_that_is_lost_neither_loses_nor_doubles(
    crm: Hubspot, portal: Portal, ledger: Ledger, how: str
) -> None:
    fill_portal(portal, people=150)
    faults: dict[str, dict[str, Any]] = {
        "lost": {"lose": True},
        "gateway": {"answer": SERVER_ERROR},
        "storm": {"answer": too_many(retry_after=2)},
        "daily": {"answer": too_many("DAILY")},
    }
    portal.faults.plan("POST .*/batch/update", **faults[how], times=1 if how == "daily" else 2)
    time = FakeTime()
    done = write_back(ledger, sinked(crm, 150), wanted(150), time=time)
    if how == "daily":
        assert done.report.stopped is not None
        time.seconds += 86_400
        done = write_back(ledger, sinked(crm, 150), wanted(150), time=time)
    assert (done.stored, done.report.counts.left, shown(portal)) == (150, 0, 150)
    assert len(portal.tables["contacts"].rows) == 150


def test_a_process_that_dies_before_the_acknowledgement_sends_nothing_twice(
    crm: Hubspot, portal: Portal, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_portal(portal, people=250)
    died_before_acknowledgement(ledger, sinked(crm, 250), wanted(250), monkeypatch)
    stamps = {row.id: row.modified for row in portal.tables["contacts"]}
    clock(portal).forward(60)
    done = write_back(ledger, sinked(crm, 250), wanted(250))
    assert (done.report.counts.left, shown(portal)) == (0, 250)
    assert sum(row.modified == stamps[row.id] for row in portal.tables["contacts"]) == 200


def test_a_conflict_refuses_the_batch_and_is_found(crm: Hubspot, portal: Portal, ledger: Ledger) -> None:
    portal.multi_status = False
    fill_portal(portal, people=60)
    contacts = portal.tables["contacts"]
    people = wanted(60)
    writing = WRITING.model_copy(update={"fields": FIELDS | {"ready.x": "email"}})
    people["k7"]["email"] = f"{key(8)}@acme.example"
    done = write_back(ledger, sinked(crm, 60, writing), people)
    assert (done.stored, done.refused) == (59, 1)
    assert codes(ledger).keys() == {"k7"}
    assert contacts.find("email", f"{key(7)}@acme.example") is not None


@pytest.mark.parametrize("multi_status", [True, False], ids=["207", "400"])
def test_each_refusal_keeps_its_reason_and_the_rest_goes_on(
    crm: Hubspot, portal: Portal, ledger: Ledger, multi_status: bool
) -> None:
    portal.multi_status = multi_status
    fill_portal(portal, people=8)
    contacts = portal.tables["contacts"]
    contacts.rules.append(
        Rule("cap", "Readiness is at most 100", lambda row: (row.get("roleplay_readiness") or 0) > 100)
    )
    people = wanted(8)
    people["k1"]["roleplay_readiness"] = 101
    people["k2"]["roleplay_level"] = "guru"
    people["k3"]["roleplay_readiness"] = "much"
    contacts.delete(list(contacts.rows)[3])
    done = write_back(ledger, sinked(crm, 8), people)
    assert (done.stored, done.refused) == (4, 4)
    reasons = codes(ledger)
    assert reasons["k4"][0] == "no_record"
    assert "at most 100" in reasons["k1"][1]
    assert "guru" in reasons["k2"][1]
    assert "much" in reasons["k3"][1]


def test_two_learners_of_one_address_are_left_alone(crm: Hubspot, portal: Portal, ledger: Ledger) -> None:
    fill_portal(portal, people=3)
    sink = crm.sink(WRITING, {"k1": key(1), "k2": key(2), "k3": key(2).upper()})
    assert write_back(ledger, sink, wanted(3)).stored == 1
    assert {each: code for each, (code, _) in codes(ledger).items()} == {"k2": "shared_address", "k3": "shared_address"}


def test_a_person_whose_record_was_merged_is_found_by_the_old_id(crm: Hubspot, portal: Portal, ledger: Ledger) -> None:
    fill_portal(portal, people=2)
    winner, loser = portal.tables["contacts"].rows
    portal.merge("contacts", winner, loser)
    writing = WRITING.model_copy(update={"key": "hs_object_id"})
    assert write_back(ledger, crm.sink(writing, {"k1": loser}), wanted(1)).stored == 1
    assert portal.tables["contacts"].rows[winner].values["roleplay_readiness"] == Decimal("71.5")


def test_the_preflight_names_every_property_that_is_not_fit(crm: Hubspot, portal: Portal) -> None:
    portal.tables["contacts"].drop_field("roleplay_readiness")
    fields = FIELDS | {"attempts.x": "hs_object_id"}
    said = refused_at_preflight(sinked(crm, 1, WRITING.model_copy(update={"fields": fields})))
    assert "no field roleplay_readiness" in said
    assert "hs_object_id cannot be written" in said
    with pytest.raises(SyncError, match="lastname"):
        sinked(crm, 1, WRITING.model_copy(update={"key": "lastname"}))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda portal: portal.tables["contacts"].drop_field("roleplay_readiness"),
        lambda portal: portal.expired.update(portal.tokens),
        lambda portal: portal.tokens.update(dict.fromkeys(portal.tokens, frozenset({"crm.objects.contacts.read"}))),
    ],
    ids=["property", "expired", "scope"],
)
def test_what_changes_under_way_stops_the_run_and_blames_nobody(
    crm: Hubspot, portal: Portal, ledger: Ledger, spoil: Any
) -> None:
    fill_portal(portal, people=150)
    portal.faults.plan("POST .*/batch/update", first=lambda: spoil(portal))
    done = write_back(ledger, sinked(crm, 150), wanted(150))
    assert done.report.stopped is not None
    assert (done.stored, done.refused) == (0, 0)


def test_feedback_is_read_only(crm: Hubspot, portal: Portal) -> None:
    fill_portal(portal, people=1)
    table = portal.tables["feedback_submissions"]
    for rating in (5, 2):
        table.insert({"hs_value": rating, "hs_submission_timestamp": datetime(2026, 11, 1, tzinfo=UTC)})
    found, _, _ = records(crm, Query("feedback_submissions", ("hs_value", "hs_submission_timestamp")))
    assert sorted(each.fields["hs_value"] for each in found.values()) == [2, 5]  # type: ignore[type-var]
