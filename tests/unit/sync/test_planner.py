"""What is due: nulls never overwrite, an empty source clears nothing, large changes ask first."""

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
from support.sync import NOW

from integrations.sync import planner
from integrations.sync.base import Action
from integrations.sync.planner import Rules, digests, narrow, plan


def source(**digests_by_key: str) -> pl.DataFrame:
    rows = [(key, digest, "acme", f"row {n}") for n, (key, digest) in enumerate(digests_by_key.items())]
    return pl.DataFrame(rows, schema=planner.DESIRED, orient="row")


def held(**digests_by_key: str) -> pl.DataFrame:
    rows = [(key, "acme", digest, f"id-{key}", None) for key, digest in digests_by_key.items()]
    return pl.DataFrame(rows, schema=planner.RECORDS, orient="row")


def intents(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=planner.INTENTS, orient="row")


def test_new_changed_and_same() -> None:
    found = plan(source(a="1", b="2", c="3"), held(a="1", b="1"), intents(), Rules(), NOW)
    assert [(row["key"], row["action"]) for row in found.due.iter_rows(named=True)] == [
        ("b", "update"),
        ("c", "create"),
    ]
    assert found.counts == {"create": 1, "update": 1, "remove": 0, "unchanged": 1, "waiting": 0, "refused": 0}
    assert found.due.filter(key="b").get_column("remote_id").to_list() == ["id-b"]


@pytest.mark.parametrize(
    ("state", "later_s", "kind"),
    [("refused", None, "refused"), ("retry", 60, "waiting"), ("retry", -60, "create"), ("open", None, "create")],
)
def test_what_was_tried_before(state: str, later_s: int | None, kind: str) -> None:
    when = None if later_s is None else NOW + timedelta(seconds=later_s)
    found = plan(source(a="1"), held(), intents(("a", "create", "1", state, 2, when)), Rules(), NOW)
    assert found.counts[kind] == 1
    if kind == "create":
        assert found.due.row(0, named=True)["attempt"] == 2
        assert found.due.row(0, named=True)["doubtful"] is (state == "open")


def test_a_state_that_may_have_been_overwritten_is_sent_again() -> None:
    """B was sent and never answered; the source went back to A, which was acknowledged before."""
    found = plan(source(a="A"), held(a="A"), intents(("a", "update", "B", "open", 0, None)), Rules(), NOW)
    assert found.due.row(0, named=True)["action"] == "update"


@pytest.mark.parametrize(("removal", "removed"), [("keep", 0), ("clear", 1), ("delete", 1)])
def test_what_left_the_source(removal: planner.Removal, removed: int) -> None:
    found = plan(source(a="1"), held(a="1", b="1"), intents(), Rules(removal=removal), NOW)
    assert found.counts["remove"] == removed
    assert found.due.height == removed


def test_an_empty_source_clears_nothing() -> None:
    found = plan(source(), held(a="1", b="1"), intents(), Rules(removal="delete"), NOW)
    assert found.due.is_empty()
    assert "source is empty" in found.notes[0]


def test_more_changes_than_the_cap_ask_first() -> None:
    before = {f"k{n}": "1" for n in range(100)}
    after = before | {f"k{n}": "2" for n in range(60)}
    assert plan(source(**after), held(**before), intents(), Rules(change_cap=0.5), NOW).stopped is not None
    assert plan(source(**after), held(**before), intents(), Rules(change_cap=0.7), NOW).stopped is None


def test_a_null_never_overwrites_and_only_changed_fields_are_sent() -> None:
    due = plan(source(a="2", b="2"), held(a="1", b="1"), intents(), Rules(), NOW).due
    wanted = {"a": {"score": 4, "level": None, "team": "x"}, "b": {"score": None, "team": "x"}}
    remembered = dict.fromkeys("ab", b'{"score":3,"level":"b1","team":"x"}')
    found = narrow(due, wanted, remembered)
    assert [(each.key, each.payload, each.action) for each in found.outgoing] == [("a", b'{"score":4}', Action.UPDATE)]
    assert found.outgoing[0].becomes == b'{"level":"b1","score":4,"team":"x"}'
    assert [each.key for each in found.same] == ["b"]


def test_digests_tell_rows_apart_and_absent_from_zero() -> None:
    frame = pl.DataFrame(
        {"score": [1, 1, 0, None], "amount": [Decimal("1.50")] * 4, 'od"d name': ["é", "é", "é", "é"]},
        schema_overrides={"amount": pl.Decimal(10, 2)},
    )
    found = digests(frame, frame.columns).to_list()
    assert found[0] == found[1]
    assert len(set(found)) == 3
