"""Which days a check reads: those of its run and no other."""

from datetime import date
from types import SimpleNamespace

from assets.checks.definitions import DAYS, PARTITION, RANGE, days_at_hand

FIRST, LAST = "2026-11-01", "2026-11-30"


def at_hand(tags: dict[str, str]) -> list[date] | None:
    return days_at_hand(SimpleNamespace(run=SimpleNamespace(tags=tags)))  # type: ignore[arg-type]


def test_two_changed_days_far_apart_leave_the_days_between_unread() -> None:
    tags = {RANGE[0]: FIRST, RANGE[1]: LAST, DAYS: f"{FIRST},{LAST}"}
    assert at_hand(tags) == [date(2026, 11, 1), date(2026, 11, 30)]


def test_a_range_alone_means_each_of_its_days() -> None:
    found = at_hand({RANGE[0]: FIRST, RANGE[1]: LAST})
    assert found is not None
    assert len(found) == 30


def test_one_partition_is_one_day_and_no_tag_every_day() -> None:
    assert at_hand({PARTITION: FIRST}) == [date(2026, 11, 1)]
    assert at_hand({}) is None
