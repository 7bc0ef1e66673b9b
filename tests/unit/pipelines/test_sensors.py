"""What the daemon asks for, decided without a daemon."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg

from assets.lake import Lake
from governance.inbox import Backlog
from pipelines.planning import Stale
from pipelines.run import RANGE_END, RANGE_START
from pipelines.sensors import batch_of, inbox_request, load_requests, passed, registries_request

MORNING = datetime(2026, 11, 2, 9, tzinfo=UTC)


def test_an_empty_inbox_asks_for_nothing() -> None:
    assert isinstance(inbox_request(Backlog(0, None), MORNING), dg.SkipReason)


def asked(answer: dg.RunRequest | dg.SkipReason) -> str | None:
    assert isinstance(answer, dg.RunRequest), answer
    return answer.run_key


def test_a_growing_backlog_asks_again_and_a_standing_one_an_hour_later() -> None:
    first, same, grown = (asked(inbox_request(Backlog(depth, MORNING), MORNING)) for depth in (3, 3, 4))
    assert first == same != grown
    assert first != asked(inbox_request(Backlog(3, MORNING), MORNING + timedelta(hours=1))), "its drain has failed"


def test_registries_that_failed_to_load_are_asked_for_again_an_hour_later() -> None:
    def run(status: dg.DagsterRunStatus) -> dg.DagsterRun:
        return dg.DagsterRun(job_name="load_registries", status=status)

    good, bad, going = (dg.DagsterRunStatus[name] for name in ("SUCCESS", "FAILURE", "STARTED"))
    first = asked(registries_request("abc", [], MORNING))
    assert first == asked(registries_request("abc", [run(bad)], MORNING)), "Dagster runs a key once"
    assert first != asked(registries_request("abc", [run(bad)], MORNING + timedelta(hours=1)))
    assert first != asked(registries_request("other", [], MORNING))
    for runs in ([run(bad), run(good)], [run(bad), run(going)]):
        assert isinstance(registries_request("abc", runs, MORNING + timedelta(hours=1)), dg.SkipReason)


def test_stale_days_ask_for_one_run_a_range() -> None:
    stale = Stale(sessions=(date(2026, 10, 1), date(2026, 10, 2), date(2026, 11, 2)), outcomes=(date(2026, 9, 1),))
    found = load_requests(stale, "abc")
    assert [(request.job_name, request.tags[RANGE_START], request.tags[RANGE_END]) for request in found] == [
        ("load_sessions", "2026-10-01", "2026-10-02"),
        ("load_sessions", "2026-11-02", "2026-11-02"),
        ("load_outcomes", "2026-09-01", "2026-09-01"),
    ]
    again = load_requests(Stale(sessions=(date(2026, 11, 2),)), "other")
    assert again[0].run_key != found[1].run_key, "another input is another reason"


def test_a_day_outside_the_partitions_is_left_to_quarantine() -> None:
    outside = (date(1970, 1, 1), datetime.now(UTC).date() + timedelta(days=40))
    assert load_requests(Stale(sessions=outside, outcomes=outside), "abc") == []


def test_a_failed_batch_is_tried_again_on_new_inputs_or_an_hour_later(tmp_path: Path) -> None:
    lake, stale = Lake(tmp_path), Stale(sessions=(date(2026, 11, 2),))

    def batch(launches: int = 1, catalog: str = "c", now: datetime = MORNING) -> str:
        return batch_of(lake, stale, launches, catalog, now)

    assert batch() == batch(now=MORNING + timedelta(minutes=59))
    landed = batch()
    lake.path("raw/bundles", date(2026, 11, 2)).parent.mkdir(parents=True)
    lake.path("raw/bundles", date(2026, 11, 2)).write_bytes(b"rows")
    assert len({landed, batch(), batch(2), batch(catalog="d"), batch(now=MORNING + timedelta(hours=1))}) == 5


def test_days_count_as_checked_once_their_whole_batch_has_passed() -> None:
    def run(job: str, first: str, status: dg.DagsterRunStatus) -> dg.DagsterRun:
        return dg.DagsterRun(job_name=job, status=status, tags={RANGE_START: first, RANGE_END: "2026-11-02"})

    good, bad = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
    sessions, outcomes = run("load_sessions", "2026-11-01", good), run("load_outcomes", "2026-11-02", bad)
    assert passed(None, []) == passed("b:2", [sessions]) == passed("b:2", [sessions, outcomes]) == []
    retried = [sessions, outcomes, run("load_outcomes", "2026-11-02", good)]
    assert passed("b:2", retried) == [
        (date(2026, 11, 1), date(2026, 11, 2)),
        (date(2026, 11, 2), date(2026, 11, 2)),
    ]
