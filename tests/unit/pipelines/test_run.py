"""Which days are run together, and what the command line makes of ``--days``."""

import itertools
from datetime import date, timedelta
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from pipelines.commands.run import span
from pipelines.mark import Mark
from pipelines.planning import GAP_DAYS, Stale, each_day, ranges, within
from pipelines.run import stopped

NOVEMBER = date(2026, 11, 1)


def days(*numbers: int) -> list[date]:
    return [NOVEMBER + timedelta(days=number) for number in numbers]


def test_near_days_share_a_run_and_far_ones_do_not() -> None:
    assert ranges(days(0, 1, 2)) == [(*days(0, 2),)]
    assert ranges(days(0, GAP_DAYS + 1)) == [(*days(0, GAP_DAYS + 1),)]
    assert ranges(days(0, GAP_DAYS + 2)) == [(days(0)[0], days(0)[0]), (days(GAP_DAYS + 2)[0], days(GAP_DAYS + 2)[0])]
    assert ranges([]) == []


@given(st.lists(st.integers(0, 400), max_size=40))
def test_ranges_cover_every_day_once_in_order(numbers: list[int]) -> None:
    wanted = days(*numbers)
    found = ranges(wanted)
    assert all(any(first <= day <= last for first, last in found) for day in wanted)
    assert all(before[1] + timedelta(days=GAP_DAYS + 1) < after[0] for before, after in itertools.pairwise(found))
    assert all({first, last} <= set(wanted) for first, last in found)


def test_limits_include_both_ends() -> None:
    assert within(days(0, 1, 2, 3), (days(1)[0], days(2)[0])) == tuple(days(1, 2))
    assert within(days(0, 1), None) == tuple(days(0, 1))


def test_span() -> None:
    assert span(None) is None
    assert span("2026-11-02..2026-11-05") == (date(2026, 11, 2), date(2026, 11, 5))
    assert span("2026-11-02") == (date(2026, 11, 2), date(2026, 11, 2))
    for wrong in ("yesterday", "2026-11-05..2026-11-02", "2026-11-02..x"):
        with pytest.raises(typer.BadParameter):
            span(wrong)


def test_a_blocking_check_is_named_with_its_remedy() -> None:
    problem = stopped(["core/sessions: contract"], "r1")
    assert "core/sessions: contract" in problem.what
    assert "rolecall run" in str(problem)
    assert "last version" in str(problem)


def test_days_of_outcomes_alone_touch_no_session_table() -> None:
    stale = Stale(sessions=tuple(days(0, 1)), outcomes=tuple(days(1, 9, 40)))
    assert stale.launches("rebuild") == [
        ("rebuild_sessions", (days(0)[0], days(1)[0])),
        ("rebuild_outcomes", (days(1)[0], days(1)[0])),
        ("rebuild_outcomes", (days(9)[0], days(9)[0])),
        ("rebuild_outcomes", (days(40)[0], days(40)[0])),
    ]
    assert stale.days() == set(days(0, 1, 9, 40))


def test_the_mark_keeps_what_is_unchecked_and_what_was_cut_off(tmp_path: Path) -> None:
    assert Mark.read(tmp_path) == Mark()
    begun = Mark("published").begun(days(0, 5))
    begun.write(tmp_path)
    assert Mark.read(tmp_path) == Mark(None, tuple(days(0, 5)), tuple(days(0, 5)))
    assert begun.built() == Mark(None, tuple(days(0, 5)))
    assert begun.checked(*days(1, 9)) == Mark(None, tuple(days(0)), tuple(days(0)))
    assert begun.built().begun(days(2)).unchecked == tuple(days(0, 2, 5))
    (tmp_path / "last-run.json").write_text("{}")
    assert Mark.read(tmp_path) == Mark()


def test_a_span_has_both_its_ends() -> None:
    assert each_day((NOVEMBER, NOVEMBER)) == [NOVEMBER]
    assert each_day((*days(0, 3),)) == days(0, 1, 2, 3)
