"""Batches, withheld counters, rubrics in use, session days and cached probes, on SQLite and PostgreSQL."""

from datetime import UTC, date, datetime

import pytest

from governance.batches import Batches, CountsDisagree, Reject
from governance.media_probes import CachedProbe, MediaProbes
from governance.rubrics_used import RubricEdited, RubricsUsed
from governance.session_days import Move, SessionDays
from governance.state import State
from governance.withheld import Withheld, record_withheld, withheld_frame

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = date(2026, 11, 2)


def test_a_batch_adds_up(state: State) -> None:
    batches = Batches(state)
    batch_id = batches.open("bundles", "sessions.jsonl", "ab" * 32, "acme", NOW)
    assert batches.frame()["read"].to_list() == [None]
    batches.reject(
        batch_id, [Reject(3, "format", "no format"), Reject(3, "turns", "no turns"), Reject(None, "file", "cut")]
    )
    batches.close(batch_id, read=10, accepted=7, repeated=1, refused=2, withheld=4)
    (row,) = batches.frame(tenant="acme").to_dicts()
    assert row["batch_id"] == batch_id
    assert [row[name] for name in ("read", "accepted", "repeated", "refused", "withheld")] == [10, 7, 1, 2, 4]
    assert batches.rejects(batch_id)["rule"].to_list().count("turns") == 1
    assert batches.rejects("b_other").height == 0


def test_a_batch_that_lost_a_line_is_not_closed(state: State) -> None:
    batches = Batches(state)
    batch_id = batches.open("bundles", "sessions.jsonl", None, None, NOW)
    with pytest.raises(CountsDisagree, match="read 10, but 7 accepted"):
        batches.close(batch_id, read=10, accepted=7, repeated=1, refused=1)
    with pytest.raises(CountsDisagree, match="2 lines refused, 0 have a reason"):
        batches.close(batch_id, read=10, accepted=7, repeated=1, refused=2)
    assert batches.frame()["read"].to_list() == [None]


def test_a_reason_is_short_and_storable(state: State) -> None:
    batches = Batches(state)
    batch_id = batches.open("bundles", "a.jsonl", None, None, NOW)
    batches.reject(batch_id, [Reject(1, "long", "x" * 10_000), Reject(2, "odd", "nul\x00 and half a pair \ud800")])
    assert batches.rejects(batch_id)["reason"].to_list() == ["x" * 500, "nul and half a pair \\ud800"]


def test_withheld_fields_are_added_up(state: State) -> None:
    item = Withheld("acme", DAY, "DE", "2026.1+ab", {"voice": 2, "unknown_field": 1})
    with state.session() as session:
        record_withheld(session, [item, item])
    with state.session() as session:
        record_withheld(session, [item, Withheld("globex", DAY, "unknown", "2026.1+ab", {"gaze": 1})])
        record_withheld(session, [])
    assert withheld_frame(state)["count"].to_list() == [3, 6, 1]
    assert withheld_frame(state, "globex")["signal_class"].to_list() == ["gaze"]


def test_withheld_fields_are_counted_with_the_delivery_or_not_at_all(state: State) -> None:
    with pytest.raises(RuntimeError, match="disk full"):
        _count_and_fail(state)
    assert withheld_frame(state).height == 0


def _count_and_fail(state: State) -> None:
    with state.session() as session:
        record_withheld(session, [Withheld("acme", DAY, "DE", "1", {"voice": 1})])
        raise RuntimeError("disk full")


def test_a_rubric_version_that_was_edited_after_use_is_refused(state: State) -> None:
    used = RubricsUsed(state)
    used.use({("feedback", "3"): "aa", ("sales", "1"): "bb"}, NOW)
    used.use({("feedback", "3"): "aa", ("feedback", "4"): "cc"}, NOW)
    used.check({("feedback", "3"): "aa", ("brand-new", "1"): "zz"})
    assert used.edited({("feedback", "3"): "xx", ("feedback", "4"): "cc"}) == [("feedback", "3")]
    with pytest.raises(RubricEdited, match=r"feedback version 3 was edited.*new version"):
        used.use({("feedback", "3"): "xx", ("feedback", "5"): "dd"}, NOW)
    used.check({("feedback", "5"): "other"})


def test_a_session_moves_when_its_evidence_does(state: State) -> None:
    days = SessionDays(state)
    assert days.place("acme", {"cvi:c1": DAY, "cvi:c2": DAY}) == []
    assert days.place("acme", {"cvi:c1": DAY}) == []
    before = date(2026, 11, 1)
    assert days.place("acme", {"cvi:c1": before, "cvi:c3": DAY}) == [Move("cvi:c1", DAY, before)]
    assert days.days("acme", ["cvi:c1", "cvi:c2", "cvi:c9"]) == {"cvi:c1": before, "cvi:c2": DAY}
    assert days.sessions_of("acme", DAY) == ["cvi:c2", "cvi:c3"]
    assert days.days("globex", ["cvi:c1"]) == {}


def test_a_probe_is_remembered_by_address(state: State) -> None:
    probes = MediaProbes(state)
    first = CachedProbe("s3://b/1", "etag-1", {"status": "available", "duration_s": 742.5}, NOW)
    probes.remember([first])
    newer = CachedProbe("s3://b/1", "etag-2", {"status": "truncated"}, NOW)
    probes.remember([newer])
    assert probes.known(["s3://b/1", "s3://b/2"]) == {"s3://b/1": newer}
