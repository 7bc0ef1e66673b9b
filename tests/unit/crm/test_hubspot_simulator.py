"""The HubSpot simulator in the eyes of HubSpot's own clients, for Python and for Node."""

from typing import Any

import hubspot
import pytest
from hubspot.crm import objects, owners, properties
from hubspot.utils.objects import fetch_all
from support.crm_clouds import Authority, Clock, node

from integrations.crm.simulators.hubspot import Portal, too_many
from integrations.crm.simulators.people import fill_portal, key
from integrations.crm.simulators.store import Rule


@pytest.fixture
def portal(portal: Portal) -> Portal:
    fill_portal(portal, people=5, deals=25)
    return portal


@pytest.fixture
def address(portal_address: str) -> str:
    return portal_address


@pytest.fixture
def client(address: str, portal: Portal, authority: Authority) -> Any:
    return hubspot.Client.create(access_token=portal.service_key(), host=address, ssl_ca_cert=str(authority.trust))


def js(address: str, portal: Portal, authority: Authority, *calls: list[Any]) -> list[dict[str, Any]]:
    return node("hubspot.cjs", {"url": address, "token": portal.service_key(), "calls": calls}, authority)


def upserts(values: dict[str, dict[str, str]], traced: bool = True) -> Any:
    return objects.BatchInputSimplePublicObjectBatchInputUpsert(
        inputs=[
            objects.SimplePublicObjectBatchInputUpsert(
                id=each, id_property="roleplay_key", properties=given, object_write_trace_id=each if traced else None
            )
            for each, given in values.items()
        ]
    )


def test_lists_all_records_and_the_archived_ones_apart(client: Any, portal: Portal) -> None:
    first, *rest = portal.tables["deals"].rows
    client.crm.deals.basic_api.archive(first)
    assert [row.id for row in fetch_all(client.crm.deals.basic_api)] == rest
    archived = client.crm.deals.basic_api.get_page(archived=True)
    assert [(row.id, row.archived, row.archived_at is not None) for row in archived.results] == [(first, True, True)]


def test_searches_by_change_in_pages(client: Any, portal: Portal) -> None:
    request = objects.PublicObjectSearchRequest(
        filter_groups=[
            {"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "2026-11-02T00:00:00Z"}]}
        ],
        sorts=["hs_object_id"],
        properties=["amount", "dealstage"],
        limit=20,
        after="20",
        query=None,
    )
    found = client.crm.objects.search_api.do_search("deals", request)
    assert (found.total, len(found.results), found.paging) == (25, 5, None)
    assert [row.id for row in found.results] == list(portal.tables["deals"].rows)[20:]


def test_a_search_ends_at_the_ceiling(client: Any, portal: Portal) -> None:
    portal.search_ceiling = 20
    request = objects.PublicObjectSearchRequest(
        filter_groups=[], sorts=[], properties=[], limit=10, after="20", query=None
    )
    with pytest.raises(objects.ApiException) as refused:
        client.crm.objects.search_api.do_search("deals", request)
    assert refused.value.status == 400


def test_upserts_and_says_which_record_is_wrong(client: Any, portal: Portal) -> None:
    good = {key(n): {"roleplay_readiness": "70.5"} for n in range(1, 5)}
    bad = {key(5): {"roleplay_level": "guru"}}
    found = client.crm.objects.batch_api.upsert("contacts", upserts(good | bad))
    assert isinstance(found, objects.BatchResponseSimplePublicUpsertObjectWithErrors)
    assert [row.new for row in found.results] == [False] * 4
    assert (found.num_errors, found.errors[0].category) == (1, "VALIDATION_ERROR")
    assert found.errors[0].context["ids"] == [key(5)]
    new = client.crm.objects.batch_api.upsert("contacts", upserts({"e9": {"lastname": "Nine"}}))
    assert new.results[0].new
    assert portal.tables["contacts"].find("roleplay_key", "e9") is not None


def test_without_trace_ids_a_batch_is_saved_whole_or_not_at_all(client: Any, portal: Portal) -> None:
    given = {key(1): {"roleplay_readiness": "10"}, key(2): {"roleplay_readiness": "many"}}
    with pytest.raises(objects.ApiException) as refused:
        client.crm.objects.batch_api.upsert("contacts", upserts(given, traced=False))
    assert refused.value.status == 400
    assert all(row.values["roleplay_readiness"] is None for row in portal.tables["contacts"])


def test_a_value_that_is_taken_conflicts(client: Any, portal: Portal) -> None:
    given = {key(1): {"email": f"{key(2)}@acme.example"}}
    with pytest.raises(objects.ApiException) as refused:
        client.crm.objects.batch_api.upsert("contacts", upserts(given, traced=False))
    assert (refused.value.status, "CONFLICT" in refused.value.body) == (409, True)


def test_doubled_ids_and_unknown_properties_refuse_the_batch(client: Any, portal: Portal) -> None:
    body = upserts({key(1): {"lastname": "One"}})
    body.inputs *= 2
    for given, said in ((body, "Duplicate IDs"), (upserts({key(1): {"shoe_size": "44"}}), "PROPERTY_DOESNT_EXIST")):
        with pytest.raises(objects.ApiException, match=said):
            client.crm.objects.batch_api.upsert("contacts", given)


def test_reads_in_batches_and_names_the_missing(client: Any, portal: Portal) -> None:
    request = objects.BatchReadInputSimplePublicObjectId(
        properties=["email"],
        properties_with_history=[],
        id_property="roleplay_key",
        inputs=[{"id": key(1)}, {"id": "no"}],
    )
    found = client.crm.objects.batch_api.read("contacts", request)
    assert [row.properties["email"] for row in found.results] == [f"{key(1)}@acme.example"]
    assert found.errors[0].context["ids"] == ["no"]


def test_a_merged_contact_lives_on_in_its_winner(client: Any, portal: Portal) -> None:
    winner, loser, *_ = portal.tables["contacts"].rows
    portal.merge("contacts", winner, loser)
    found = client.crm.contacts.basic_api.get_by_id(loser, properties=["hs_merged_object_ids"])
    assert (found.id, found.properties["hs_merged_object_ids"]) == (winner, loser)
    assert len(fetch_all(client.crm.contacts.basic_api)) == 4


def test_owners_and_properties(client: Any, portal: Portal) -> None:
    page = client.crm.owners.owners_api.get_page(limit=2)
    assert isinstance(page.results[0], owners.PublicOwner)
    assert (page.results[0].email, page.paging.next.after) == (f"{key(1)}@acme.example", "2")
    known = client.crm.properties.core_api.get_all("contacts").results
    level = next(each for each in known if each.name == "roleplay_level")
    assert (next(option.value for option in level.options), level.type) == ("novice", "enumeration")
    assert next(each for each in known if each.name == "roleplay_key").has_unique_value
    new = properties.PropertyCreate(
        name="roleplay_attempts", label="Attempts", type="number", field_type="number", group_name="roleplay"
    )
    assert client.crm.properties.core_api.create("contacts", new).name == "roleplay_attempts"


def test_keys_scopes_and_versions_are_checked(client: Any, portal: Portal, address: str, authority: Authority) -> None:
    narrow = portal.service_key({"crm.objects.contacts.read"})
    known = {"host": address, "ssl_ca_cert": str(authority.trust)}
    reader = hubspot.Client.create(access_token=narrow, **known)
    assert reader.crm.contacts.basic_api.get_page().results
    for asked in (lambda: reader.crm.deals.basic_api.get_page(), lambda: reader.crm.contacts.basic_api.archive("1")):
        with pytest.raises(Exception, match="MISSING_SCOPES"):
            asked()
    portal.expired.add(narrow)
    with pytest.raises(Exception, match="EXPIRED_AUTHENTICATION"):
        reader.crm.contacts.basic_api.get_page()


def test_too_many_calls(client: Any, portal: Portal) -> None:
    portal.burst = 2
    for _ in range(2):
        client.crm.contacts.basic_api.get_page()
    with pytest.raises(Exception, match="TEN_SECONDLY_ROLLING"):
        client.crm.contacts.basic_api.get_page()
    assert isinstance(portal.clock, Clock)
    portal.clock.forward(10)
    assert client.crm.contacts.basic_api.get_page().results


def test_rules_bind_the_api_from_the_version_that_says_so(client: Any, portal: Portal) -> None:
    contacts = portal.tables["contacts"]
    contacts.rules.append(Rule("short", "no", lambda row: row.get("lastname") == "X", "lastname"))
    client.crm.contacts.basic_api.update(next(iter(contacts.rows)), {"properties": {"lastname": "X"}})


def test_node_client_reads_writes_and_associates(address: str, portal: Portal, authority: Authority) -> None:
    contact, deal = next(iter(portal.tables["contacts"].rows)), next(iter(portal.tables["deals"].rows))
    inputs = [
        {
            "id": key(n),
            "idProperty": "roleplay_key",
            "objectWriteTraceId": key(n),
            "properties": {"roleplay_level": level},
        }
        for n, level in ((1, "expert"), (2, "guru"))
    ]
    search = {
        "filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": f"{key(3)}@acme.example"}]}]
    }
    found = js(
        address, portal, authority,
        ["crm.objects.batchApi.upsert", "contacts", {"inputs": inputs}],
        ["crm.contacts.searchApi.doSearch", search | {"limit": 10, "properties": ["email"]}],
        ["crm.associations.v4.basicApi.createDefault", "contacts", contact, "deals", deal],
        ["crm.associations.v4.basicApi.getPage", "contacts", contact, "deals"],
        ["crm.deals.getAll"],
        ["crm.owners.ownersApi.getPage"],
        ["crm.properties.coreApi.getAll", "deals"],
    )  # fmt: skip
    assert not [each for each in found if "error" in each], found
    assert found[0]["class"] == "BatchResponseSimplePublicUpsertObjectWithErrors"
    assert found[0]["value"]["errors"][0]["context"]["ids"] == [key(2)]
    assert found[1]["value"]["total"] == 1
    assert found[3]["value"]["results"][0]["toObjectId"] == int(deal)
    assert len(found[4]["value"]) == 25


def test_node_client_waits_out_a_storm(address: str, portal: Portal, authority: Authority) -> None:
    portal.faults.plan("GET .*/contacts", answer=too_many("SECONDLY"), times=1)
    found = js(address, portal, authority, ["crm.contacts.basicApi.getPage"])
    assert len(found[0]["value"]["results"]) == 5
    assert portal.faults.made("/contacts") == 2
