"""Figures as data: what is drawn, what is left out, and what the labels say."""

from datetime import date, timedelta
from typing import Any

import plotly.graph_objects as go
import polars as pl
import pytest

from dashboards.figures import health, practice, timeline, trends
from dashboards.theme import BLUE, for_dark

MONDAY = date(2026, 8, 3)
WEEK = timedelta(weeks=1)


def trend_rows(hidden: tuple[int, ...] = ()) -> pl.DataFrame:
    rows = [
        {
            "week": MONDAY + WEEK * step,
            "competency": "empathy",
            "n_learners": None if step in hidden else 20,
            "n_scores": None if step in hidden else 40,
            "mean": None if step in hidden else 0.4 + 0.02 * step,
            "lower": None if step in hidden else 0.35 + 0.02 * step,
            "upper": None if step in hidden else 0.45 + 0.02 * step,
            "suppressed": step in hidden,
        }
        for step in range(8)
    ]
    return pl.DataFrame(rows)


def events(*days: int) -> pl.DataFrame:
    kinds = ("scenario", "rubric", "policy")
    rows = [
        {"kind": kinds[at % 3], "subject": "s", "version": "2", "previous": "1", "first_day": MONDAY + timedelta(d)}
        for at, d in enumerate(days)
    ]
    schema = {
        "kind": pl.String,
        "subject": pl.String,
        "version": pl.String,
        "previous": pl.String,
        "first_day": pl.Date,
    }
    return pl.DataFrame(rows, schema=schema)


def named(figure: go.Figure, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.name == name]  # type: ignore[attr-defined]


def weeks(count: int = 8) -> list[date]:
    return [MONDAY + WEEK * step for step in range(count)]


def test_a_line_is_not_drawn_through_a_withheld_week() -> None:
    figure = trends.panel(trend_rows(hidden=(3,)), events(), weeks())
    means = named(figure, "mean")
    assert [len(trace.x) for trace in means] == [3, 4]
    assert list(named(figure, "withheld")[0].x) == [MONDAY + 3 * WEEK]
    assert len(named(figure, "95 % interval")) == 2


def test_panel_has_a_fixed_axis_n_on_hover_and_points_out_of_100() -> None:
    figure = trends.panel(trend_rows(), events(), weeks(), mastery=0.7)
    assert tuple(figure.layout.yaxis.range) == (0, 100)
    mean = named(figure, "mean")[0]
    assert mean.y[0] == pytest.approx(40)
    assert tuple(mean.customdata[0]) == (20, 40, "35", "45")
    assert figure.layout.shapes[-1].y0 == pytest.approx(70)


def test_a_panel_with_nothing_to_show_is_still_a_figure() -> None:
    figure = trends.panel(trend_rows(hidden=tuple(range(8))), events(), weeks())
    assert named(figure, "mean") == []
    assert "no week has enough learners" in trends.describe("Empathy", trend_rows(hidden=tuple(range(8))))


def test_close_version_changes_share_a_label_and_a_line() -> None:
    assert trends.event_labels(events(10, 12, 40), timedelta(20)) == [
        (MONDAY + timedelta(10), "scenario, rubric v2"),
        (MONDAY + timedelta(40), "policy v2"),
    ]
    figure = trends.panel(trend_rows(), events(10, 12, 40), weeks())
    assert len(figure.layout.shapes) == 2
    assert figure.layout.annotations[1].xanchor == "right"  # near the edge


def funnel_rows() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "week": weeks(3),
            "n_learners": [12, None, 15],
            "launched": [20, None, 30],
            "joined": [18, None, 28],
            "talked": [18, None, 27],
            "completed": [15, None, 25],
            "scored": [14, None, 20],
            "judged": [14, None, 20],
            "passed": [7, None, 20],
            "practice_hours": [3.0, None, 5.0],
            "suppressed": [False, True, False],
        }
    )


def test_volume_and_pass_rate_leave_withheld_weeks_out_and_mark_them() -> None:
    volume = practice.volume(funnel_rows(), weeks()[2])
    assert list(named(volume, "sessions")[0].y) == [18, 28]
    assert list(named(volume, "sessions")[0].marker.color) == ["rgba(0,114,178,0.45)", BLUE]
    assert len(named(volume, "withheld")) == 1
    rate = named(practice.pass_rate(funnel_rows(), weeks()[0]), "pass rate")[0]
    assert list(rate.y) == [50, 100]
    assert rate.error_y.array[1] == 0
    assert rate.error_y.arrayminus[1] > 10


def test_wilson_agrees_with_the_textbook() -> None:
    low, high = practice.wilson(8, 10)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


def test_funnel_adds_up_and_labels_shares() -> None:
    totals = practice.funnel_totals(funnel_rows())
    assert totals == {"launched": 50, "joined": 46, "talked": 45, "completed": 40, "scored": 34, "passed": 27}
    assert practice.funnel(totals).data[0].text[-1] == " 27 · 54\u00a0%"  # type: ignore[attr-defined]
    empty = practice.funnel(dict.fromkeys(practice.STEPS, 0))
    assert empty.data[0].text[1] == " 0"  # type: ignore[attr-defined]


def test_proficiency_sorts_and_draws_mastery_only_where_it_is_known() -> None:
    frame = pl.DataFrame(
        {
            "name": ["Empathy", "Clarity", "Hidden"],
            "mean": [0.4, 0.6, None],
            "lower": [0.3, 0.5, None],
            "upper": [0.5, 0.7, None],
            "n": [30, 40, None],
            "learners": [12, 14, 3],
            "mean_before": [None, 0.5, None],
            "mastery": [0.8, None, None],
        }
    )
    figure = practice.proficiency(frame)
    assert list(named(figure, "this period")[0].y) == ["Empathy", "Clarity"]
    assert list(named(figure, "period before")[0].y) == ["Clarity"]
    assert list(named(figure, "mastery level")[0].x) == [80]


def session_turns(timed: bool = True) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ordinal": [0, 1],
            "speaker": ["counterpart", "learner"],
            "text": ["Hello", "<b>Hi</b> " + "x" * 200],
            "start_s": [0.0, 5.0] if timed else [None, None],
            "duration_s": [4.0, None],
            "response_gap_s": [None, 1.0],
            "interrupted": [False, False],
        },
        schema_overrides={"start_s": pl.Float64},
    )


def session_signals() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "kind": ["objective", "guardrail", "tool"],
            "name": ["rapport", "no_guarantee", None],
            "state": ["completed", "triggered", None],
            "at_s": [3.0, 6.0, None],
            "alignment": ["exact", "estimated", None],
            "severity": ["info", "critical", None],
        }
    )


def test_timeline_has_one_lane_each_and_escapes_what_was_said() -> None:
    figure = timeline.timeline(session_turns(), session_signals(), [timeline.Mark(1, "Empathy")], 60.0)
    lanes = list(figure.layout.yaxis.categoryarray)[::-1]
    assert lanes == ["Learner", "Counterpart", "Evidence", "Objectives", "Guardrails"]
    said = named(figure, "Learner")[0].customdata[0][2]
    assert said.startswith("&lt;b&gt;Hi")
    assert len(said) < 120
    guardrail = named(figure, "Guardrails")[0]
    assert guardrail.marker.symbol[0] == "x"
    assert guardrail.customdata[0][1] == "0:06 No guarantee, triggered, critical severity (time estimated)"


def test_timeline_of_a_session_without_times_is_empty_and_does_not_fail() -> None:
    figure = timeline.timeline(session_turns(timed=False), session_signals().clear(), [timeline.Mark(0, "x")], None)
    assert all(not trace.x for trace in figure.data)  # type: ignore[attr-defined]


def test_completeness_stacks_engines_of_a_day() -> None:
    frame = pl.DataFrame(
        {"day": [MONDAY, MONDAY], "engine": ["a", "b"], "complete": [3, 2], "complete_partial": [1, 0], "open": [0, 1]}
    )
    figure = health.completeness(frame)
    assert [list(trace.y) for trace in figure.data] == [[5], [1], [1]]  # type: ignore[attr-defined]


def test_a_dark_page_gets_lighter_blues() -> None:
    text = for_dark(trends.panel(trend_rows(), events(), weeks())).to_json() or ""
    assert BLUE not in text
    assert "rgba(0,114,178" not in text
    assert "rgba(62,150,214" in text
