"""What goes over the wire, for any values: CSV of bulk jobs, SOQL literals, groups of keys, places, pages."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.crm_clouds import START, Clock

from integrations.crm.cursors import Place, place, shared
from integrations.crm.salesforce.bulk import read_csv, write_csv
from integrations.crm.salesforce.fields import NULL, cell, literal, typed
from integrations.crm.salesforce.reader import Salesforce, _behind
from integrations.crm.salesforce.session import Options
from integrations.crm.salesforce.writer import QUERY_CHARACTERS, _fitting
from integrations.crm.simulators import soql
from integrations.crm.simulators.salesforce import Org
from integrations.crm.simulators.salesforce_bulk import Job, work_off
from integrations.crm.simulators.salesforce_rest import select
from integrations.sources import FieldInfo, SourceError
from integrations.sync.transport import Reply

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=60)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=36_500)).map(
    lambda since: datetime(2000, 1, 1, tzinfo=UTC) + since
)


@given(st.lists(st.tuples(TEXT.filter(str.strip), TEXT), min_size=1, max_size=8))
def test_any_text_survives_an_upload(rows: list[tuple[str, str]]) -> None:
    org = Org(clock=Clock())
    table = org.tables["Contact"]
    ids = [table.insert({"LastName": "L"}).id for _ in rows]
    cells = [[key, cell(last), cell(source)] for key, (last, source) in zip(ids, rows, strict=True)]
    job = Job("750", "update", "Contact", ",", "\n", org.now())
    job.upload = write_csv(["Id", "LastName", "Roleplay_Source__c"], cells).decode()
    work_off(org, job)
    assert not job.failed
    assert not job.left
    for key, (last, source) in zip(ids, rows, strict=True):
        values = table.rows[key].values
        assert (values["LastName"], values["Roleplay_Source__c"]) == (last, None if source in ("", NULL) else source)


@given(st.lists(st.lists(TEXT, min_size=2, max_size=2), max_size=6))
def test_any_text_survives_a_result_file(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    found = read_csv(Reply(200, {}, out.getvalue().encode()))
    assert [[row["a"], row["b"]] for row in found] == rows


@given(TEXT)
def test_any_text_can_stand_in_a_condition(text: str) -> None:
    query = soql.parse(f"SELECT Id FROM Contact WHERE Name = {literal(text)} OR Name IN ({literal(text + 'x')})")
    assert query.test({"Name": text})
    assert query.test({"Name": text + "X"})
    assert not query.test({"Name": text + "y"})


@given(MOMENTS)
def test_a_moment_stands_in_a_condition_to_the_millisecond(at: datetime) -> None:
    exact = at.replace(microsecond=at.microsecond // 1000 * 1000)
    query = soql.parse(f"SELECT Id FROM Contact WHERE At = {literal(at)}")
    assert query.test({"At": exact})


@given(MOMENTS, st.text(max_size=18))
def test_a_place_is_read_back_as_it_was_written(at: datetime, key: str) -> None:
    assert place(Place(at, key).text()) == Place(at, key)


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '["2026-11-02T09:00:00", ""]', "nonsense"])
def test_a_strange_cursor_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(SourceError) as refused:
        place(text)
    assert "--full" in str(refused.value.remedy)


@given(st.lists(st.text(min_size=1, max_size=400), max_size=300))
def test_groups_of_keys_hold_every_key_once_and_fit_an_address(keys: list[str]) -> None:
    groups = list(_fitting(keys))
    assert [key for group in groups for key in group] == keys
    assert all(len(", ".join(map(literal, group)).encode()) <= QUERY_CHARACTERS for group in groups)


@given(st.dictionaries(st.text(max_size=3), st.sampled_from(["a", "A", "b", "c", "C"])))
def test_shared_addresses_are_those_that_two_have(addresses: dict[str, str]) -> None:
    folded = [address.lower() for address in addresses.values()]
    assert shared(addresses) == {key for key, address in addresses.items() if folded.count(address.lower()) > 1}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("decimal", "0", "0"), ("decimal", "370801.55", "370801.55"), ("decimal", "", None), ("boolean", False, False),
        ("boolean", "true", True), ("date", "2026-11-02", "2026-11-02"), ("integer", "5.0", 5), ("text", "", None),
        ("datetime", "2026-11-02T09:00:00.000+0000", "2026-11-02 09:00:00+00:00"),
        ("datetime", "2026-11-02T09:00:00.000Z", "2026-11-02 09:00:00+00:00"),
    ],
)  # fmt: skip
def test_values_keep_their_type_and_nothing_is_not_0(kind: Any, value: Any, expected: Any) -> None:
    found = typed(FieldInfo("f", kind), value)
    assert (str(found) if isinstance(expected, str) else found) == expected


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 7), st.lists(st.integers(0, 59), max_size=4)
)
def test_pages_behind_a_place_lose_nothing(
    monkeypatch: pytest.MonkeyPatch, moments: list[int], size: int, touched: list[int]
) -> None:
    """Whatever shares a second, however short the page, and though rows change between two pages."""
    clock = Clock()
    org = Org(clock=clock)
    table = org.tables["Opportunity"]
    row = {"Name": "d", "StageName": "Proposal", "CloseDate": "2026-12-01"}
    ids = [table.insert(row, at=START + timedelta(seconds=at)).id for at in moments]
    clock.at = START + timedelta(minutes=1)
    found: list[str] = []
    after = None
    while True:
        condition = _behind(after)
        text = f"SELECT Id FROM Opportunity{' WHERE ' + condition if condition else ''} ORDER BY SystemModstamp, Id"
        _, rows = select(org, f"{text} LIMIT {size}", deleted=True)
        if not rows:
            break
        found += [each.id for each in rows]
        after = Place(rows[-1].modified, rows[-1].id)
        if touched:
            clock.forward(1)
            table.update(ids[touched.pop() % len(ids)], {"Name": "moved"})
    assert set(found) == set(ids)


def test_options_say_what_is_missing() -> None:
    with pytest.raises(ValueError, match="integration user"):
        Options.model_validate({"client_id": "app"})
    assert Salesforce.capabilities.tombstones
