"""Numbers carry their units, and an interval stays inside its range."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from dashboards.names import CriterionText, Level, Names, humanise, learner, plain
from dashboards.shell import csv
from dashboards.wording import ago, clock, count, interval, listing, percent, signed, span


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–:––"), (0, "0:00"), (65.9, "1:05"), (3605, "1:00:05"), (float("nan"), "–:––")]
)
def test_clock(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text


def test_numbers() -> None:
    assert percent(0.456) == "46\u00a0%"
    assert percent(None) == "–"
    assert count(12345, "session") == "12\u202f345\u00a0sessions"
    assert count(1, "competency", "competencies") == "1\u00a0competency"
    assert signed(-0.034, "points") == "−3\u00a0points"
    assert signed(0.001, "points") == "±0\u00a0points"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert span(date(2026, 10, 5), date(2026, 10, 26)) == "5 Oct – 1 Nov 2026"
    assert span(date(2025, 12, 22), date(2025, 12, 29)) == "22 Dec 2025 – 4 Jan 2026"
    now = datetime(2026, 11, 3, tzinfo=UTC)
    assert ago(now - timedelta(hours=5), now) == "5\u00a0hours ago"
    assert ago(now + timedelta(minutes=2), now) == "just now"
    assert ago(now + timedelta(hours=5), now) == "dated ahead of the clock"


def test_interval_uses_t_and_stays_in_range() -> None:
    low, high = interval(0.5, 0.1, 11)
    assert high - 0.5 == pytest.approx(0.2228, abs=1e-4)
    assert low == pytest.approx(1 - high)
    assert interval(0.98, 0.1, 11)[1] == 1.0


def test_names_answer_for_ids_that_the_catalog_lacks() -> None:
    names = Names(scenarios={"s-1": "First call"})
    assert names.scenario("s-1") == "First call"
    assert names.scenario("new_scenario-2") == "New scenario 2"
    assert names.scenario("*") == "All scenarios"
    assert names.region(None) == "Unknown region"
    assert humanise("no_guarantee-of") == "No guarantee of"
    assert learner("l_0123456789") == "learner 012345"
    assert learner(None) == "unattributed"


def test_a_half_point_belongs_to_the_level_below_and_zero_has_one() -> None:
    text = CriterionText("Empathy", levels=(Level(0, "none"), Level(1, "some"), Level(2, "much")))
    assert [text.level(score) for score in (0, 0.5, 1.5, 2)] == ["none", "none", "some", "much"]


def test_words_of_others_do_nothing_in_markdown() -> None:
    assert plain("a [link](x) <b> `c` $d$") == r"a \[link\]\(x\) \<b\> \`c\` \$d\$"


def test_csv_quotes_formulas_and_joins_lists() -> None:
    frame = pl.DataFrame({"a": ["=1+1", "fine", None], "b": [["x", "y"], [], None], "c": [-1, 0, 1]})
    assert csv(frame).splitlines() == ["a,b,c", "'=1+1,x; y,-1", 'fine,"",0', ",,1"]
