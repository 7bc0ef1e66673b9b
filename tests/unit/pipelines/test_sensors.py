"""What the daemon asks for, decided without a daemon."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg

from governance.inbox import Backlog
from pipelines.run import RANGE_END, RANGE_START
from pipelines.sensors import day_requests, inbox_request

MORNING = datetime(2026, 11, 2, 9, tzinfo=UTC)


def test_an_empty_inbox_asks_for_nothing() -> None:
    assert isinstance(inbox_request(Backlog(0, None)), dg.SkipReason)


def test_a_growing_backlog_asks_again_and_a_standing_one_does_not() -> None:
    first, same, grown = (inbox_request(Backlog(depth, MORNING)) for depth in (3, 3, 4))
    assert isinstance(first, dg.RunRequest)
    assert isinstance(same, dg.RunRequest)
    assert isinstance(grown, dg.RunRequest)
    assert first.run_key == same.run_key != grown.run_key


def test_stale_days_ask_for_one_run_a_range() -> None:
    found = day_requests([date(2026, 10, 1), date(2026, 10, 2), date(2026, 11, 2)], "abc")
    assert [(request.tags[RANGE_START], request.tags[RANGE_END]) for request in found] == [
        ("2026-10-01", "2026-10-02"),
        ("2026-11-02", "2026-11-02"),
    ]
    again = day_requests([date(2026, 11, 2)], "other")
    assert again[0].run_key != found[1].run_key, "another input is another reason"


def test_a_day_outside_the_partitions_is_left_to_quarantine() -> None:
    assert day_requests([date(1970, 1, 1), datetime.now(UTC).date() + timedelta(days=40)], "abc") == []
