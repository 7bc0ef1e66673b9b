"""The inbox on both databases: durable, once, counted."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from governance.inbox import Accepted, Inbox, Parcel, UnavailableError, UnstorableError
from governance.state import State
from governance.withheld import withheld_frame

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def parcel(key: str = "k1", **changes: object) -> Parcel:
    values: dict[str, object] = {
        "tenant": "acme",
        "session_id": "cvi:s1",
        "event_key": key,
        "channel": "webhook",
        "event_type": "system.shutdown",
        "known": True,
        "engine_at": None,
        "received_at": NOW,
        "body": '{"a": "é"}',
        "policy_version": "1",
        "dropped": {},
        "jurisdiction": "DE",
    }
    return Parcel(**(values | changes))  # type: ignore[arg-type]


def test_a_repeat_is_counted_and_not_stored(state: State) -> None:
    inbox = Inbox(state)
    assert inbox.accept([parcel()]) == [Accepted(True, 0)]
    assert inbox.accept([parcel(), parcel(), parcel("k2")]) == [
        Accepted(False, 2),
        Accepted(False, 2),
        Accepted(True, 0),
    ]
    assert [(row.event_key, row.repeats) for row in inbox.waiting()] == [("k1", 2), ("k2", 0)]


def test_repeats_within_one_transaction(state: State) -> None:
    inbox = Inbox(state)
    assert [answer.new for answer in inbox.accept([parcel(), parcel(), parcel()])] == [True, False, False]
    assert [row.repeats for row in inbox.waiting()] == [2]


def test_the_same_key_of_another_tenant_is_another_delivery(state: State) -> None:
    answers = Inbox(state).accept([parcel(), parcel(tenant="globex")])
    assert [answer.new for answer in answers] == [True, True]


def test_rows_come_back_as_they_went_in(state: State) -> None:
    inbox = Inbox(state)
    at = datetime(2026, 11, 2, 10, 0, 0, 123456, tzinfo=UTC)
    inbox.accept([parcel(engine_at=at, dropped={"affect": 2}, known=False, body='{"t": "☂ \\u0000"}')])
    (row,) = inbox.waiting()
    assert (row.engine_at, row.received_at, row.dropped, row.known) == (at, NOW, {"affect": 2}, False)
    assert row.body == '{"t": "☂ \\u0000"}'


def test_withheld_fields_are_counted_once(state: State) -> None:
    inbox = Inbox(state)
    for _ in range(3):
        inbox.accept([parcel(dropped={"affect": 2}), parcel("k2", dropped={"affect": 1, "image": 1})])
    rows = withheld_frame(state).select("jurisdiction", "signal_class", "count").rows()
    assert sorted(rows) == [("DE", "affect", 3), ("DE", "image", 1)]


def test_draining(state: State) -> None:
    inbox = Inbox(state)
    inbox.accept([parcel(f"k{number}", received_at=NOW + timedelta(seconds=number)) for number in range(5)])
    first = inbox.waiting(limit=2)
    rest = inbox.waiting(after=first[-1].id)
    assert [row.event_key for row in (*first, *rest)] == ["k0", "k1", "k2", "k3", "k4"]
    assert inbox.backlog() == (5, NOW)
    assert inbox.mark_drained([row.id for row in first], NOW) == 2
    assert inbox.mark_drained([row.id for row in first], NOW) == 0
    assert inbox.backlog() == (3, NOW + timedelta(seconds=2))
    assert not inbox.accept([parcel("k0")])[0].new
    assert inbox.depth() == 3


def test_pruning_keeps_keys_longer_than_bodies_and_what_waits_for_ever(state: State) -> None:
    inbox = Inbox(state)
    inbox.accept([parcel("old"), parcel("waiting")])
    old, waiting = inbox.waiting()
    inbox.mark_drained([old.id], NOW)
    assert inbox.prune(NOW + timedelta(days=6)) == (0, 0)
    assert inbox.prune(NOW + timedelta(days=8)) == (1, 0)
    assert not inbox.accept([parcel("old")])[0].new
    assert inbox.prune(NOW + timedelta(days=401)) == (0, 1)
    assert [row.id for row in inbox.waiting()] == [waiting.id]
    assert inbox.waiting()[0].body == '{"a": "é"}'


def test_many_threads_one_key(state: State) -> None:
    inbox = Inbox(state)
    start = threading.Barrier(4)

    def accept(_: int) -> list[bool]:
        start.wait()
        return [inbox.accept([parcel(f"k{number}")])[0].new for number in range(20)]

    with ThreadPoolExecutor(4) as pool:
        answers = [new for news in pool.map(accept, range(4)) for new in news]
    assert sum(answers) == 20
    assert sum(row.repeats for row in inbox.waiting()) == 60


@pytest.mark.parametrize("broken", [{"body": "\ud800"}, {"received_at": datetime(2026, 1, 1)}, {"event_type": None}])  # noqa: DTZ001
def test_an_unstorable_parcel_does_not_take_others_with_it(state: State, broken: dict[str, object]) -> None:
    inbox = Inbox(state)
    with pytest.raises(UnstorableError):
        inbox.accept([parcel("good"), parcel("bad", **broken)])
    assert inbox.depth() == 0
    answers = inbox._accept_units([[parcel("good")], [parcel("bad", **broken)], [parcel("other")]])
    assert answers[0] == [Accepted(True, 0)]
    assert isinstance(answers[1], UnstorableError)
    assert inbox.depth() == 2


def test_a_locked_database_is_unavailable_and_stores_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    state = State.open(url)
    event.listen(state.engine, "connect", lambda connection, _: connection.execute("pragma busy_timeout=50"))
    state.engine.dispose()
    inbox = Inbox(state)
    blocker = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    blocker.execute("begin immediate")
    with pytest.raises(UnavailableError, match="locked"):
        inbox.accept([parcel()])
    blocker.execute("rollback")
    blocker.close()
    assert inbox.accept([parcel()])[0].new
    state.close()


def test_a_full_disk_is_unavailable_and_stores_nothing(tmp_path: Path) -> None:
    state = State.open(f"sqlite:///{tmp_path / 'state.db'}")
    with state.engine.connect() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar_one()
    event.listen(state.engine, "connect", lambda connection, _: connection.execute(f"pragma max_page_count={pages}"))
    state.engine.dispose()
    inbox = Inbox(state)
    with pytest.raises(UnavailableError, match="full"):
        inbox.accept([parcel(str(number), body="x" * 4_000) for number in range(50)])
    assert inbox.depth() == 0
    state.close()


def test_what_was_accepted_is_on_disk_when_accept_returns(tmp_path: Path) -> None:
    state = State.open(f"sqlite:///{tmp_path / 'state.db'}")
    with state.engine.connect() as connection:
        assert connection.exec_driver_sql("pragma synchronous").scalar_one() == 2  # FULL: the WAL is synced at commit
        assert connection.exec_driver_sql("pragma journal_mode").scalar_one() == "wal"
    Inbox(state).accept([parcel()])
    other = sqlite3.connect(f"file:{tmp_path / 'state.db'}?mode=ro", uri=True)
    assert other.execute("select count(*) from inbox").fetchone() == (1,)
    other.close()
    state.close()
