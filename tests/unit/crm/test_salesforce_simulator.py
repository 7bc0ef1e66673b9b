"""The Salesforce simulator in the eyes of foreign clients: simple-salesforce and jsforce."""

import csv
import io
from datetime import timedelta
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
)
from support.crm_clouds import START, Authority, Clock, node

from integrations.crm.simulators.faults import answer
from integrations.crm.simulators.people import fill_org, key
from integrations.crm.simulators.salesforce import Client, Org
from integrations.crm.simulators.store import Rule

READINESS, LEVEL, KEY = "Roleplay_Readiness__c", "Roleplay_Level__c", "Roleplay_Key__c"


@pytest.fixture
def org(org: Org) -> Org:
    fill_org(org, people=5, deals=25)
    return org


@pytest.fixture
def address(org_address: str) -> str:
    return org_address


@pytest.fixture
def client(address: str, org: Org, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Salesforce:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.trust))
    monkeypatch.setattr("simple_salesforce.bulk2.sleep", lambda _: None)
    return Salesforce(instance_url=address, session_id=org.sign_in(), version="66.0")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


class ToLocalhost(HTTPAdapter):
    """Takes what is meant for the My Domain to the simulator."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = str(request.url).replace("https://acme.my.salesforce.com", self.address)
        return super().send(request, *args, **kwargs)


@pytest.fixture
def my_domain(address: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> requests.Session:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.trust))
    session = requests.Session()
    session.mount("https://acme.my.salesforce.com", ToLocalhost(address))
    return session


def test_signs_in_by_client_credentials(org: Org, my_domain: requests.Session) -> None:
    org.clients["app"] = Client("app", secret="s3cret", run_as="sync@acme.example")
    client = Salesforce(domain="acme.my", consumer_key="app", consumer_secret="s3cret", session=my_domain)
    assert client.query("SELECT COUNT() FROM User")["totalSize"] == 5
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
        Salesforce(domain="acme.my", consumer_key="app", consumer_secret="wrong", session=my_domain)


def test_signs_in_by_jwt_of_the_my_domain_alone(org: Org, my_domain: requests.Session) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    org.clients["app"] = Client("app", certificate=public.decode(), usernames=frozenset({"sync@acme.example"}))
    asked = {"username": "sync@acme.example", "consumer_key": "app", "privatekey": pem, "session": my_domain}
    assert Salesforce(domain="acme.my", **asked).query("SELECT COUNT() FROM User")["totalSize"] == 5
    token = "https://acme.my.salesforce.com/services/oauth2/token"
    claims = {"iss": "app", "sub": "sync@acme.example", "exp": 4_000_000_000}
    for audience, ok in (("https://acme.my.salesforce.com", True), ("https://test.salesforce.com", False)):
        grant = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": jwt.encode(claims | {"aud": audience}, pem, "RS256"),
        }
        assert my_domain.post(token, grant).ok is ok
    org.revoked = True
    with (
        pytest.raises(SalesforceAuthenticationFailed, match="hasn't approved"),
        pytest.warns(UserWarning, match="approved"),
    ):
        Salesforce(domain="acme.my", **asked)


def test_queries_page_by_page_with_the_owners_address(client: Salesforce, org: Org) -> None:
    org.batch_rows = 10
    found = client.query_all(
        "SELECT Id, Name, Amount, CloseDate, Owner.Email FROM Opportunity "
        "WHERE StageName IN ('Closed Won', 'Closed Lost', 'Proposal') OR Amount = null ORDER BY SystemModstamp, Id"
    )
    table = org.tables["Opportunity"]
    stages = ("Closed Won", "Closed Lost", "Proposal")
    expected = [row for row in table if row.values["StageName"] in stages or row.values["Amount"] is None]
    assert [row["Id"] for row in found["records"]] == sorted(row.id for row in expected)
    assert {row["Owner"]["Email"] for row in found["records"]} <= {f"{key(n)}@acme.example" for n in range(1, 6)}
    assert client.api_usage["api-usage"].total == 15_000


def test_deleted_rows_are_seen_by_query_all_alone(client: Salesforce, org: Org) -> None:
    gone = next(iter(org.tables["Opportunity"].rows))
    client.Opportunity.delete(gone)
    text = f"SELECT Id, IsDeleted FROM Opportunity WHERE Id = '{gone}'"
    assert client.query(text)["totalSize"] == 0
    assert client.query(text, include_deleted=True)["records"][0]["IsDeleted"] is True


def test_a_merged_contact_points_to_the_winner(client: Salesforce, org: Org) -> None:
    winner, loser, *_ = org.tables["Contact"].rows
    org.tables["Contact"].merge(winner, loser)
    found = client.query(f"SELECT MasterRecordId FROM Contact WHERE Id = '{loser}'", include_deleted=True)
    assert found["records"][0]["MasterRecordId"] == winner


def test_describes_types_options_and_external_ids(client: Salesforce) -> None:
    fields = {field["name"]: field for field in client.Contact.describe()["fields"]}
    assert fields[KEY]["externalId"]
    assert fields[READINESS]["type"] == "double"
    assert {item["value"] for item in fields[LEVEL]["picklistValues"]} >= {"novice", "expert"}
    assert not fields["SystemModstamp"]["updateable"]


def test_bulk_upsert_says_what_became_of_every_row(client: Salesforce, org: Org) -> None:
    records = [{KEY: key(n), READINESS: "70.25", LEVEL: "novice"} for n in range(1, 4)]
    records += [{KEY: "new", READINESS: "1", LEVEL: "novice"}, {KEY: key(4), READINESS: "x", LEVEL: "novice"}]
    done = client.bulk2.Contact.upsert(records=records, external_id_field=KEY)[0]
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (5, 2)
    failed = rows_of(client.bulk2.Contact.get_failed_records(done["job_id"]))
    assert {row[KEY]: row["sf__Error"].partition(":")[0] for row in failed} == {
        "new": "REQUIRED_FIELD_MISSING",
        key(4): "INVALID_TYPE_ON_FIELD_IN_RECORD",
    }
    stored = rows_of(client.bulk2.Contact.get_successful_records(done["job_id"]))
    assert [(row[KEY], row["sf__Created"]) for row in stored] == [(key(n), "false") for n in range(1, 4)]
    again = client.bulk2.Contact.upsert(records=records[:3], external_id_field=KEY)[0]
    assert again["numberRecordsFailed"] == 0
    assert len(list(org.tables["Contact"].live())) == 5


def test_a_stopped_job_leaves_rows_unprocessed(client: Salesforce, org: Org) -> None:
    org.bulk_stops_after = 2
    handler = client.bulk2.Contact
    bulk = handler._client
    job = bulk.create_job("upsert", external_id_field=KEY)["id"]
    bulk.upload_job_data(job, f"{KEY},{READINESS}\n" + "".join(f"{key(n)},50\n" for n in range(1, 6)))
    bulk.close_job(job)
    assert bulk.get_job(job, is_query=False)["state"] == "InProgress"
    assert bulk.get_job(job, is_query=False)["state"] == "Failed"
    results = handler.get_all_ingest_records(job)
    assert [len(results[part]) for part in ("successfulRecords", "failedRecords", "unprocessedRecords")] == [2, 0, 3]


def test_bulk_query_pages_with_locators_and_keeps_line_breaks(client: Salesforce, org: Org) -> None:
    pages = list(client.bulk2.Opportunity.query("SELECT Id, Name, Amount FROM Opportunity", max_records=10))
    rows = [row for page in pages for row in rows_of(page)]
    assert len(pages) == 3
    assert [row["Id"] for row in rows] == list(org.tables["Opportunity"].rows)
    assert all("\nsecond line" in row["Name"] for row in rows)


def test_an_empty_cell_leaves_a_field_alone_and_na_clears_it(client: Salesforce, org: Org) -> None:
    table = org.tables["Contact"]
    for row in table:
        table.update(row.id, {READINESS: 40})
    records = [{KEY: key(1), READINESS: "", LEVEL: "expert"}, {KEY: key(2), READINESS: "#N/A", LEVEL: "expert"}]
    client.bulk2.Contact.upsert(records=records, external_id_field=KEY)
    one, two = (table.find(KEY, key(n)) for n in (1, 2))
    assert one is not None
    assert two is not None
    assert (one.values[READINESS], two.values[READINESS]) == (40, None)


def test_refuses_as_the_real_one(client: Salesforce, org: Org) -> None:
    contact = org.tables["Contact"]
    contact.rules.append(Rule("cap", "Readiness over 100", lambda row: (row.get(READINESS) or 0) > 100, READINESS))
    first, *_, last = contact.rows
    contact.locked.add(last)
    records = [{"Id": first, READINESS: 101}, {"Id": first, LEVEL: "guru"}, {"Id": last, LEVEL: "expert"}]
    records = [{"attributes": {"type": "Contact"}, **record} for record in records]
    found = client.restful("composite/sobjects", method="PATCH", json={"records": records})
    assert [row["errors"][0]["statusCode"] for row in found] == [
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "UNABLE_TO_LOCK_ROW",
    ]
    contact.drop_field(READINESS)
    with pytest.raises(SalesforceMalformedRequest, match="No such column"):
        client.query(f"SELECT {READINESS} FROM Contact")


def test_sessions_end_and_limits_are_reached(client: Salesforce, org: Org) -> None:
    org.api_limit = org.api_used + 1
    client.query("SELECT COUNT() FROM User")
    with pytest.raises(SalesforceRefusedRequest):
        client.query("SELECT COUNT() FROM User")
    org.expire_tokens()
    with pytest.raises(SalesforceExpiredSession):
        client.query("SELECT COUNT() FROM User")


def test_an_answer_that_is_lost_after_the_commit(client: Salesforce, org: Org) -> None:
    org.faults.plan("PATCH .*/sobjects/Contact/", lose=True)
    first = next(iter(org.tables["Contact"].rows))
    with pytest.raises(requests.exceptions.RequestException):
        client.Contact.update(first, {LEVEL: "expert"})
    assert org.tables["Contact"].rows[first].values[LEVEL] == "expert"


def test_a_planned_fault_strikes_so_often_and_no_oftener(client: Salesforce, org: Org) -> None:
    org.faults.plan("GET .*/query", answer=answer(503, [{"errorCode": "SERVER_UNAVAILABLE"}]), skip=1, times=1)
    client.query("SELECT COUNT() FROM User")
    with pytest.raises(SalesforceGeneralError):
        client.query("SELECT COUNT() FROM User")
    assert client.query("SELECT COUNT() FROM User")["totalSize"] == 5
    assert org.faults.made("/query") == 3


def test_all_rows_of_a_job_share_one_stamp(client: Salesforce, org: Org) -> None:
    assert isinstance(org.clock, Clock)
    org.clock.forward(90)
    client.bulk2.Contact.upsert(records=[{KEY: key(n), READINESS: "5"} for n in (1, 2)], external_id_field=KEY)
    found = client.query(f"SELECT SystemModstamp FROM Contact WHERE SystemModstamp > {START:%Y-%m-%dT%H:%M:%SZ}")
    stamps = {row["SystemModstamp"] for row in found["records"]}
    assert stamps == {f"{START + timedelta(seconds=90):%Y-%m-%dT%H:%M:%S}.000+0000"}


def test_jsforce_queries_describes_and_writes(address: str, org: Org, authority: Authority) -> None:
    org.batch_rows = 10

    def js(action: str, **asked: Any) -> Any:
        return node("jsforce.cjs", {"url": address, "token": org.sign_in(), "action": action, **asked}, authority)

    assert len(js("query", soql="SELECT Id, Amount FROM Opportunity")["found"]["records"]) == 25
    assert any(
        field["name"] == KEY and field["externalId"] for field in js("describe", object="User")["found"]["fields"]
    )
    records = [{KEY: key(1), LEVEL: "expert"}, {KEY: key(2), LEVEL: "guru"}]
    found = js("upsert", object="Contact", field=KEY, records=records)["found"]
    assert [row["success"] for row in found] == [True, False]
    gone = next(iter(org.tables["Opportunity"].rows))
    assert js("destroy", object="Opportunity", ids=[gone])["found"][0]["success"]
    assert len(js("query", soql="SELECT Id FROM Opportunity", scanAll=True)["found"]["records"]) == 25


def test_jsforce_bulk_uploads_in_chunks_with_an_empty_id_column(address: str, org: Org, authority: Authority) -> None:
    asked = {"url": address, "token": org.sign_in()}
    job = {"object": "Contact", "operation": "upsert", "externalIdFieldName": KEY}
    records = [{KEY: key(n), READINESS: 10 * n} for n in range(1, 6)] + [{KEY: key(1) + "x", READINESS: 1}]
    found = node("jsforce.cjs", asked | {"action": "load", "job": job, "input": records}, authority)["found"]
    assert [len(found[part]) for part in ("successfulResults", "failedResults", "unprocessedRecords")] == [5, 1, 0]
    assert [row.values[READINESS] for row in org.tables["Contact"]] == [10, 20, 30, 40, 50]
    query = {"action": "bulkQuery", "soql": "SELECT Id, Name FROM Opportunity"}
    rows = node("jsforce.cjs", asked | query, authority)["found"]
    assert [row["Id"] for row in rows] == list(org.tables["Opportunity"].rows)
    assert "\n" in rows[0]["Name"]
