"""The Salesforce connector against the simulator, over TLS: read in steps, written back, with all that goes wrong."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support.crm_clouds import START, Authority, Clock
from support.reading import alive, read_all
from support.sync import FakeTime
from support.write_back import codes, died_before_acknowledgement, refused_at_preflight, write_back

from integrations.crm.config import CrmConnector, Writing
from integrations.crm.salesforce import Salesforce
from integrations.crm.simulators.faults import answer
from integrations.crm.simulators.people import fill_org, key
from integrations.crm.simulators.salesforce import Client, Org
from integrations.crm.simulators.store import Rule
from integrations.sources import Query, Record, SourceError
from integrations.sync.base import SyncError
from integrations.sync.ledger import Ledger

SECRET = "s3cret-of-the-app"
DEALS = Query("Opportunity", ("Name", "Amount", "CloseDate", "IsWon", "StageName", "CreatedDate", "Owner.Email"))
FIELDS = {
    "readiness.discovery": "Roleplay_Readiness__c",
    "last_certification": "Roleplay_Level__c",
    "last_certified_on": "Roleplay_Certified_On__c",
    "provenance": "Roleplay_Source__c",
}
WRITING = Writing(object="Contact", key="Roleplay_Key__c", match="learner_id", fields=FIELDS)
BUSY = answer(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "try later"}], {"retry-after": "0"})


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trust))
    monkeypatch.setenv("SF_SECRET", SECRET)


@pytest.fixture
def org(org: Org) -> Org:
    org.clients["app"] = Client("app", secret=SECRET, run_as="sync@acme.example")
    return org


def connector(address: str, **options: Any) -> CrmConnector:
    own = {"login": "client_credentials", "client_id": "app", "poll_s": 0.001} | options
    return CrmConnector(
        name="sf", system="salesforce", tenant="acme", url=address,
        secrets={"client_secret": "SF_SECRET", "private_key": "SF_KEY"}, options=own,
    )  # fmt: skip


@pytest.fixture
def crm(org: Org, org_address: str, trusted: None) -> Iterator[Salesforce]:
    found = opened(org_address, page=200)
    yield found
    found.close()


def opened(address: str, **options: Any) -> Salesforce:
    found = Salesforce(connector(address, **options))
    found.session.sleep = lambda _: None
    return found


def records(
    crm: Salesforce, query: Query = DEALS, cursor: str | None = None
) -> tuple[dict[str, Record], str | None, int]:
    return read_all(crm, query, cursor)


def state(org: Org, name: str = "Opportunity") -> dict[str, Decimal | None]:
    return {row.id: row.values["Amount"] for row in org.tables[name].live()}


def clock(org: Org) -> Clock:
    assert isinstance(org.clock, Clock)
    return org.clock


def test_reads_typed_values(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=3, deals=4)
    found, _, _ = records(crm)
    for row in org.tables["Opportunity"]:
        fields = found[row.id].fields
        assert fields["Amount"] == row.values["Amount"]
        assert isinstance(fields["CloseDate"], date)
        assert fields["CreatedDate"] == START
        assert fields["IsWon"] is (row.values["StageName"] == "Closed Won")
        assert str(fields["Owner.Email"]).endswith("@acme.example")
    assert found.keys() == set(state(org))


@pytest.mark.parametrize("bulk_from", [1, 10_000])
def test_reads_what_changed_and_what_is_gone(org: Org, org_address: str, trusted: None, bulk_from: int) -> None:
    fill_org(org, people=3, deals=1_000)
    crm = opened(org_address, page=200, bulk_from=bulk_from, bulk_page=300, overlap_s=0)
    known, cursor, count = records(crm)
    assert (count, alive(known, "Amount")) == (1_000, state(org))
    clock(org).forward(60)
    table, ids = org.tables["Opportunity"], list(org.tables["Opportunity"].rows)
    for each in ids[:50]:
        table.update(each, {"Amount": 1})
    for each in ids[50:55]:
        table.delete(each)
    fresh, _, count = records(crm, cursor=cursor)
    assert sum(record.modified_at > START for record in fresh.values() if record.modified_at) == 55
    assert count >= 55  # rows of the cursor's own second come again: more of that second may have become visible
    assert alive(known | fresh, "Amount") == state(org)


def test_ties_at_the_boundary_of_pages_are_read_once(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=2, deals=900)  # all of one second, so every page ends within a tie
    found, _, count = records(crm)
    assert (len(found), count) == (900, 900)


def test_rows_that_move_between_pages_are_not_lost(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=2, deals=900)
    table = org.tables["Opportunity"]
    ids = list(table.rows)

    def shift() -> None:
        clock(org).forward(1)
        for each in ids[:150]:
            table.update(each, {"Amount": 7})
        table.delete(ids[500])

    org.faults.plan("GET .*/queryAll", first=shift, skip=2, times=1)
    found, _, _ = records(crm)
    assert alive(found, "Amount") == state(org)


def test_a_change_that_becomes_visible_late_is_caught_by_the_overlap(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=2, deals=5)
    clock(org).forward(600)
    org.tables["Opportunity"].update(next(iter(org.tables["Opportunity"].rows)), {"Amount": 1})
    known, cursor, _ = records(crm)
    late = org.tables["Opportunity"].insert(
        {"Name": "Late", "StageName": "Proposal", "CloseDate": "2026-12-01"}, at=clock(org).at.replace(microsecond=0)
    )
    late.modified = clock(org).at.replace(
        minute=clock(org).at.minute - 2
    )  # committed after what was read, stamped before
    fresh, _, _ = records(crm, cursor=cursor)
    assert late.id in fresh
    assert alive(known | fresh, "Amount") == state(org)


def test_an_idle_source_does_not_move_the_cursor(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=1, deals=3)
    _, cursor, _ = records(crm)
    clock(org).forward(3_600)
    _, again, _ = records(crm, cursor=cursor)
    assert again == cursor


def test_merged_contacts_leave_the_winner(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=3)
    winner, loser, _ = org.tables["Contact"].rows
    _, cursor, _ = records(crm, Query("Contact", ("Email",)))
    clock(org).forward(5)
    org.tables["Contact"].merge(winner, loser)
    fresh, _, _ = records(crm, Query("Contact", ("Email",)), cursor)
    assert (fresh[winner].deleted, fresh[loser].deleted) == (False, True)


@pytest.mark.parametrize("bulk_from", [1, 10_000])
def test_keys_are_the_living(org: Org, org_address: str, trusted: None, bulk_from: int) -> None:
    fill_org(org, people=1, deals=450)
    gone = list(org.tables["Opportunity"].rows)[10]
    org.tables["Opportunity"].delete(gone)
    crm = opened(org_address, page=200, bulk_from=bulk_from, bulk_page=100)
    found = [each for page in crm.keys(Query("Opportunity", (), where="StageName != null")) for each in page]
    assert len(found) == len(set(found)) == 449
    assert gone not in found


def test_users_have_no_recycle_bin(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=3)
    found, _, _ = records(crm, Query("User", ("Email", "Hire_Date__c", "IsActive")))
    assert len(found) == 3


def test_a_session_that_ended_is_renewed(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=1, deals=5)
    records(crm)
    org.expire_tokens()
    assert len(records(crm)[0]) == 5
    assert org.faults.made("oauth2/token") == 2


def test_storms_pass(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=1, deals=5)
    org.faults.plan("GET .*/query", answer=BUSY, times=3)
    org.faults.plan("GET .*/queryAll", lose=True, times=1)
    assert len(records(crm)[0]) == 5


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda org: setattr(org, "revoked", True), "pre-authorises"),
        (lambda org: setattr(org, "scopes", frozenset()), "API Enabled"),
        (lambda org: setattr(org, "api_limit", 1), "API calls"),
        (lambda org: org.tables["Opportunity"].drop_field("Amount"), "no field Amount.*permission set"),
        (lambda org: org.tables.pop("Opportunity"), "no object Opportunity.*grant Read"),
        (lambda org: org.clients.clear(), "consumer key"),
    ],
    ids=["revoked", "scope", "limit", "field", "object", "client"],
)
def test_what_cannot_be_read_says_why_and_how_to_mend_it(crm: Salesforce, org: Org, spoil: Any, said: str) -> None:
    spoil(org)
    with pytest.raises(SourceError) as failed:
        records(crm)
    assert failed.value.remedy is not None
    assert re.search(said, f"{failed.value} {failed.value.remedy}")
    assert SECRET not in str(failed.value)


def test_signs_in_by_jwt(org: Org, org_address: str, trusted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    monkeypatch.setenv("SF_KEY", private.private_bytes(*plain).decode())
    org.clients["app"] = Client(
        "app",
        certificate=private.public_key().public_bytes(*public).decode(),
        usernames=frozenset({"sync@acme.example"}),
    )
    fill_org(org, people=1, deals=2)
    org.my_domain = org_address
    asked = {"login": "jwt", "username": "sync@acme.example"}
    assert len(records(opened(org_address, **asked))[0]) == 2
    with pytest.raises(SourceError, match="audience is invalid"):
        records(opened(org_address, **asked, audience="https://test.salesforce.com"))
    monkeypatch.setenv("SF_KEY", "no key")
    with pytest.raises(SourceError, match="not an RSA key"):
        records(opened(org_address, **asked))


def wanted(people: int, readiness: float = 71.5) -> dict[str, dict[str, Any]]:
    return {
        f"k{n}": {
            "Roleplay_Readiness__c": readiness,
            "Roleplay_Level__c": "proficient",
            "Roleplay_Certified_On__c": "2026-10-30",
            "Roleplay_Source__c": f"session s-{n}, rubric discovery 2",
        }
        for n in range(1, people + 1)
    }


def addresses(people: int) -> dict[str, str]:
    return {f"k{n}": key(n) for n in range(1, people + 1)}


def shown(org: Org) -> set[tuple[Any, ...]]:
    names = FIELDS.values()
    return {tuple(str(row.values[name]) for name in names) for row in org.tables["Contact"].live()}


def writes(org: Org) -> int:
    return org.faults.made("PATCH .*composite/sobjects") + org.faults.made("PUT .*/batches")


@pytest.mark.parametrize("write_bulk_from", [1, 100_000], ids=["bulk", "collections"])
def test_writes_2000_people_and_nothing_the_second_time(
    org: Org, org_address: str, trusted: None, ledger: Ledger, write_bulk_from: int
) -> None:
    """Must show 2: all there on read-back, no second sending, ten refused alone, and they alone sent when mended."""
    fill_org(org, people=2_000)
    bad = range(100, 110)
    contacts = org.tables["Contact"]
    people = wanted(2_000)
    for n in bad:
        people[f"k{n}"]["Roleplay_Level__c"] = "guru"
    crm = opened(org_address, write_bulk_from=write_bulk_from)

    def sync(again: bool = False) -> Any:
        return write_back(ledger, crm.sink(WRITING, addresses(2_000)), people, again=again)

    first = sync()
    assert (first.stored, first.refused, first.report.counts.left) == (1_990, 10, 0)
    calls = writes(org)
    assert calls <= (2 if write_bulk_from == 1 else 10)
    second = sync()
    assert (second.stored, second.refused, writes(org)) == (0, 0, calls)
    contacts.limit_options("Roleplay_Level__c", ("proficient", "guru"))
    stamps = {row.id: row.modified for row in contacts}
    clock(org).forward(60)
    third = sync(again=True)
    assert (third.stored, third.refused, writes(org)) == (10, 0, calls + 1)
    assert sum(row.modified != stamps[row.id] for row in contacts) == 10
    assert len(shown(org)) == 2_000
    assert all(row.values["Roleplay_Readiness__c"] == Decimal("71.5") for row in contacts)


def sinked(crm: Salesforce, people: int, writing: Writing = WRITING) -> Any:
    return crm.sink(writing, addresses(people))


@pytest.mark.parametrize("where", ["PATCH .*composite/sobjects", "PATCH .*/jobs/ingest/"])
@pytest.mark.parametrize("how", ["lost", "busy", "error"])
def test_an_answer_that_is_lost_neither_loses_nor_doubles(
    org: Org, org_address: str, trusted: None, ledger: Ledger, where: str, how: str
) -> None:
    fill_org(org, people=30)
    crm = opened(org_address, write_bulk_from=1 if "ingest" in where else 10_000)
    faults: dict[str, dict[str, Any]] = {
        "lost": {"lose": True},
        "busy": {"answer": BUSY},
        "error": {"answer": answer(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "oops"}])},
    }
    org.faults.plan(where, **faults[how], times=2)
    done = write_back(ledger, sinked(crm, 30), wanted(30))
    assert (done.stored, done.report.counts.left) == (30, 0)
    assert len(shown(org)) == 30
    assert len(org.tables["Contact"].rows) == 30


def test_a_job_that_stops_halfway_is_finished_by_the_next(
    org: Org, org_address: str, trusted: None, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_org(org, people=300)
    monkeypatch.setattr("integrations.crm.salesforce.writer.COLLECTION", 50)
    crm = opened(org_address, write_bulk_from=1)
    org.bulk_stops_after = 120
    first = write_back(ledger, sinked(crm, 300), wanted(300))
    assert (first.stored, first.report.counts.retry, first.refused) == (120, 180, 0)
    org.bulk_stops_after = None
    later = FakeTime()
    later.seconds = 86_400
    second = write_back(ledger, sinked(crm, 300), wanted(300), time=later)
    assert (second.stored, len(shown(org))) == (180, 300)


@pytest.mark.parametrize(
    ("where", "times"),
    [("POST .*/jobs/ingest$", 1), ("PUT .*/batches", 1), ("GET .*/jobs/ingest/[^/]+$", 3), ("GET .*/failedResults", 2),
     ("GET .*/jobs/query/.*/results", 2)],
    ids=["open", "upload", "poll", "results", "look"],
)  # fmt: skip
def test_a_server_error_halfway_through_a_job(
    org: Org, org_address: str, trusted: None, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, where: str, times: int
) -> None:
    monkeypatch.setattr("integrations.crm.salesforce.writer.COLLECTION", 50)
    monkeypatch.setattr("integrations.crm.salesforce.writer.WHOLE_FROM", 100)
    fill_org(org, people=200)
    crm = opened(org_address, write_bulk_from=1)
    org.faults.plan(where, answer=answer(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "oops"}]), times=times)
    done = write_back(ledger, sinked(crm, 200), wanted(200))
    assert (done.stored, done.refused, done.report.counts.left) == (200, 0, 0)
    assert len(shown(org)) == 200


def test_a_server_whose_clock_is_years_off(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=1, deals=3)
    clock(org).at = START.replace(year=2031)
    table = org.tables["Opportunity"]
    table.update(next(iter(table.rows)), {"Amount": 1})
    known, cursor, _ = records(crm)
    clock(org).forward(700)
    table.update(list(table.rows)[1], {"Amount": 2})
    fresh, _, count = records(crm, cursor=cursor)
    assert count == 2  # the change, and the overlap
    assert alive(known | fresh, "Amount") == state(org)


def test_a_process_that_dies_before_the_acknowledgement_sends_nothing_twice(
    crm: Salesforce, org: Org, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_org(org, people=500)
    died_before_acknowledgement(ledger, sinked(crm, 500), wanted(500), monkeypatch)
    stamps = {row.id: row.modified for row in org.tables["Contact"]}
    clock(org).forward(60)
    done = write_back(ledger, sinked(crm, 500), wanted(500))
    assert (done.report.counts.left, len(shown(org))) == (0, 500)
    assert sum(row.modified == stamps[row.id] for row in org.tables["Contact"]) == 400


def test_ids_of_15_characters_find_their_record(crm: Salesforce, org: Org, ledger: Ledger) -> None:
    fill_org(org, people=1)
    (row,) = org.tables["Contact"]
    sink = crm.sink(WRITING.model_copy(update={"key": "Id"}), {"k1": row.id[:15]})
    assert write_back(ledger, sink, wanted(1)).stored == 1


def test_each_refusal_keeps_its_reason_and_the_rest_goes_on(crm: Salesforce, org: Org, ledger: Ledger) -> None:
    fill_org(org, people=8)
    contacts = org.tables["Contact"]
    ids = list(contacts.rows)
    contacts.rules.append(
        Rule("cap", "Readiness is at most 100", lambda row: (row["Roleplay_Readiness__c"] or 0) > 100)
    )
    people = wanted(8)
    people["k1"]["Roleplay_Readiness__c"] = 101
    people["k2"]["Roleplay_Level__c"] = "guru"
    people["k3"]["Roleplay_Source__c"] = "x" * 300
    contacts.delete(ids[3])
    contacts.locked.add(ids[4])
    done = write_back(ledger, sinked(crm, 8), people)
    assert (done.stored, done.refused, done.report.counts.retry) == (3, 4, 1)
    reasons = codes(ledger)
    assert reasons == {
        "k1": ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Readiness is at most 100"),
        "k2": ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", reasons["k2"][1]),
        "k3": ("STRING_TOO_LONG", reasons["k3"][1]),
        "k4": ("no_record", reasons["k4"][1]),
        "k5": ("UNABLE_TO_LOCK_ROW", reasons["k5"][1]),
    }
    assert "guru" in reasons["k2"][1]


def test_people_who_cannot_be_told_apart_are_left_alone(crm: Salesforce, org: Org, ledger: Ledger) -> None:
    fill_org(org, people=4)
    twin = next(iter(org.tables["Contact"].rows))
    org.tables["Contact"].update(twin, {"Email": f"{key(2)}@acme.example"})
    writing = WRITING.model_copy(update={"key": "Email"})
    mail = {f"k{n}": f"{key(n)}@ACME.example" for n in range(2, 5)} | {"k9": f"{key(4)}@acme.example"}
    sink = crm.sink(writing, mail)
    assert "not unique" in sink.preflight().notes[0]
    people = {each: wanted(4)["k3"] for each in mail}
    assert write_back(ledger, sink, people).stored == 1
    assert {each: code for each, (code, _) in codes(ledger).items()} == {
        "k2": "several_records",
        "k4": "shared_address",
        "k9": "shared_address",
    }


def test_the_preflight_names_every_field_that_is_not_fit(crm: Salesforce, org: Org) -> None:
    fill_org(org, people=1)
    org.tables["Contact"].drop_field("Roleplay_Readiness__c")
    said = refused_at_preflight(
        sinked(crm, 1, WRITING.model_copy(update={"fields": FIELDS | {"attempts.x": "SystemModstamp"}}))
    )
    assert "Roleplay_Readiness__c" in said
    assert "SystemModstamp cannot be written" in said
    with pytest.raises(SyncError, match="no field Nothing__c"):
        sinked(crm, 1, WRITING.model_copy(update={"key": "Nothing__c"}))


@pytest.mark.parametrize("write_bulk_from", [1, 10_000])
def test_a_field_that_vanishes_stops_the_run_and_blames_nobody(
    org: Org, org_address: str, trusted: None, ledger: Ledger, write_bulk_from: int
) -> None:
    fill_org(org, people=300)
    crm = opened(org_address, write_bulk_from=write_bulk_from)
    sink = sinked(crm, 300)
    where = "PATCH .*composite/sobjects" if write_bulk_from > 1 else "POST .*/jobs/ingest"
    org.faults.plan(where, first=lambda: org.tables["Contact"].drop_field("Roleplay_Readiness__c"))
    done = write_back(ledger, sink, wanted(300))
    assert done.report.stopped is not None
    assert (done.stored, done.refused) == (0, 0)


def test_rights_that_are_withdrawn_stop_the_run(crm: Salesforce, org: Org, ledger: Ledger) -> None:
    fill_org(org, people=5)
    sink = sinked(crm, 5)
    sink.preflight()

    def withdraw() -> None:
        org.revoked = True
        org.expire_tokens()

    org.faults.plan("PATCH .*composite/sobjects", first=withdraw)
    done = write_back(ledger, sink, wanted(5))
    assert done.report.stopped is not None
    assert (done.stored, done.refused) == (0, 0)
    org.revoked = False
    assert write_back(ledger, sinked(crm, 5), wanted(5)).stored == 5
