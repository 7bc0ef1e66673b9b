"""An LRS that is read: nothing is missed whatever its pages do, ours is left out, bad statements are told apart."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.foreign import COURSE, START, MemoryLrs, foreign

from integrations.sources import Page, Query, Record, SourceError
from integrations.sync.transport import Transport
from integrations.xapi.pages import Pages
from integrations.xapi.source import ADL, FIELDS
from integrations.xapi.vocabulary import IDS, PROFILE_VERSION

ALL = tuple(FIELDS)
SECONDS = st.integers(0, 3)


def query(object_name: str = "completions") -> Query:
    return Query(object_name, ALL)


def landed(pages: Iterator[Page]) -> tuple[set[str], str | None]:
    """Ids that land and the cursor after them, for as long as the LRS answers."""
    found: set[str] = set()
    cursor = None
    try:
        for page in pages:
            found |= {record.id for record in page.records}
            cursor = page.cursor
    except SourceError:
        pass
    return found, cursor


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 8), SECONDS),  # so many in one millisecond, shown late by so much
        st.tuples(st.just("wait"), st.integers(1, 5000), st.just(0)),
        st.tuples(st.just("read"), st.integers(1, 6), st.just(0)),  # breaks off at that call
    ),
    max_size=14,
)


@settings(max_examples=60)
@given(steps=STEPS, page=st.integers(1, 4), tells=st.booleans(), upside=st.booleans())
def test_every_statement_lands_whatever_breaks_off_and_shows_late(
    steps: list[tuple[str, int, int]], page: int, tells: bool, upside: bool
) -> None:
    lrs = MemoryLrs(tells=tells, lossy=True, upside=upside)
    made, found, cursor = 0, set(), None
    for name, amount, late in steps:
        if name == "put":
            for _ in range(amount):
                made += 1
                lrs.put(foreign(made), timedelta(seconds=late))
        lrs.now += timedelta(milliseconds=amount if name == "wait" else 1)
        if name == "read":
            lrs.fail, lrs.calls = lambda call, last=amount: call > last, 0
            more, reached = landed(lrs.source(page).read(query(), cursor))
            found |= more
            cursor = reached or cursor
    lrs.fail = lambda _: False
    lrs.now += timedelta(seconds=4)
    more, cursor = landed(lrs.source(page).read(query(), cursor))
    assert found | more == {each["id"] for _, _, each in lrs.kept}
    lrs.now += timedelta(minutes=10)
    lrs.put(foreign(0))
    lrs.now += timedelta(seconds=1)
    again, _ = landed(lrs.source(page).read(query(), cursor))
    assert foreign(0)["id"] in again


def test_a_quiet_lrs_is_not_read_again_from_the_start() -> None:
    lrs = MemoryLrs()
    for number in range(50):
        lrs.put(foreign(number))
        lrs.now += timedelta(seconds=10)
    first, cursor = landed(lrs.source(10).read(query(), None))
    lrs.calls = 0
    second, after = landed(lrs.source(10).read(query(), cursor))
    assert (len(first), len(second), lrs.calls, after) == (50, 1, 4, cursor)


GRADED: dict[str, tuple[dict[str, Any], Decimal | None]] = {
    "scaled": ({"scaled": 0.8}, Decimal("0.8")),
    "zero_is_a_grade": ({"scaled": 0}, Decimal(0)),
    "raw_on_a_scale": ({"raw": 30, "min": 20, "max": 40}, Decimal("0.5")),
    "raw_alone": ({"raw": 30}, None),
}


@pytest.mark.parametrize("case", GRADED)
def test_grades_are_numbers_of_the_score(case: str) -> None:
    score, scaled = GRADED[case]
    (record,) = one("grades", foreign(1, "scored", result={"score": score}))
    assert record.fields["score.scaled"] == scaled
    assert record.fields["activity.id"] == COURSE
    assert record.fields["actor.email"] == "rep1@example.com"


def test_what_says_nothing_is_no_record() -> None:
    assert one("grades", foreign(1, "passed")) == []
    assert one("completions", foreign(1, "passed")) == []
    assert one("completions", foreign(1, result={"completion": False})) == []
    assert len(one("completions", foreign(1, "failed", result={"completion": True}))) == 1


OURS: dict[str, dict[str, Any]] = {
    "platform": {"context": {"platform": "Rolecall"}},
    "profile": {"context": {"contextActivities": {"category": [{"id": PROFILE_VERSION}]}}},
    "issuer": {"actor": {"account": {"homePage": f"{IDS}/acme/people", "name": "l_1"}}},
}


@pytest.mark.parametrize("case", OURS)
def test_our_own_statements_are_left_where_they_are(case: str) -> None:
    assert one("completions", foreign(1, **OURS[case])) == []


BAD: dict[str, dict[str, Any]] = {
    "id_is_uuid": {"id": "seven"},
    "actor_is_one_person": {"actor": {"objectType": "Group", "member": []}},
    "actor_identified": {"actor": {"name": "Ada"}},
    "actor_is_object": {"actor": "Ada"},
    "object_is_activity": {"object": {"objectType": "Agent", "mbox": "mailto:a@example.com"}},
    "score_scaled_in_range": {"result": {"score": {"scaled": 80}}},
    "score_is_number": {"result": {"score": {"raw": "80"}}},
    "completion_is_boolean": {"result": {"completion": "yes"}},
}


@pytest.mark.parametrize("rule", BAD)
def test_a_bad_statement_is_refused_with_its_reason_and_holds_up_no_other(rule: str) -> None:
    lrs = MemoryLrs()
    lrs.put(foreign(1, **BAD[rule]))
    lrs.put(foreign(2))
    pages = list(lrs.source().read(query(), None))
    assert [record.id for page in pages for record in page.records] == [foreign(2)["id"]]
    (refused,) = [each for page in pages for each in page.unreadable]
    assert refused.rule == rule
    assert "Ada" not in refused.reason + refused.place


def test_an_account_counts_where_its_issuer_is_ours_to_know() -> None:
    told = foreign(1, actor={"account": {"homePage": "https://lms.example", "name": "u-1"}})
    assert one("completions", told, home_page="https://lms.example")[0].fields["actor.account"] == "u-1"
    assert one("completions", told, home_page="https://other.example")[0].fields["actor.account"] is None


@pytest.mark.parametrize(
    ("more", "said"), [("https://evil.example/xapi?x=1", "another server"), ("/xapi/statements?same", "same page")]
)
def test_credentials_follow_no_page_elsewhere_and_no_page_twice(more: str, said: str) -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"statements": [], "more": more}))
    with pytest.raises(SourceError, match=said):
        list(Pages(Transport("http://lrs.example/xapi", http=answer), "http://lrs.example/xapi", 5).read({}, None))


def one(object_name: str, statement: dict[str, Any], **options: Any) -> list[Record]:
    lrs = MemoryLrs()
    lrs.put(statement)
    pages = list(lrs.source(**options).read(query(object_name), None))
    assert [each for page in pages for each in page.unreadable] == []
    return [record for page in pages for record in page.records]


def test_voided_statements_are_gone_and_the_place_is_kept() -> None:
    lrs = MemoryLrs()
    lrs.put(foreign(1, "voided", object={"objectType": "StatementRef", "id": foreign(2)["id"]}))
    (page,) = lrs.source().deleted(query(), None)
    assert [(record.id, record.deleted) for record in page.records] == [(foreign(2)["id"], True)]
    assert page.cursor is not None
    assert f"{ADL}voided" in page.cursor
    assert lrs.now == START
