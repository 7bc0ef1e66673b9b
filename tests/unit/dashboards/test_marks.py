"""Figures that several pages share: what is drawn, what is left out, and that nothing withheld gets in."""

import polars as pl
import pytest

from dashboards import methods
from dashboards.figures.curves import curves
from dashboards.figures.deliveries import deliveries
from dashboards.figures.dots import POINTS, SHARE, Scale, dots
from dashboards.figures.funnel_plot import funnel_plot
from dashboards.figures.heat import heat
from dashboards.wording import estimate

ROWS = pl.DataFrame(
    {
        "name": ["AMER", "EMEA", "APAC"],
        "value": [0.5, 0.6, None],
        "lower": [0.4, None, None],
        "upper": [0.7, None, None],
        "n_learners": [30, 20, None],
    }
)


def test_dots_keep_the_order_and_leave_out_what_is_withheld() -> None:
    figure = dots(ROWS, POINTS, reference=0.55)
    (trace,) = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["AMER", "EMEA"]
    assert list(trace.x) == [50.0, 60.0]
    assert list(trace.error_x.array) == pytest.approx([20.0, 0.0])
    assert list(trace.error_x.arrayminus) == pytest.approx([10.0, 0.0])
    assert "30" in trace.customdata[0][1]
    assert figure.layout.shapes[0].x0 == pytest.approx(55.0)


def test_dots_of_groups_stand_apart_and_have_a_legend() -> None:
    frame = pl.concat([ROWS.with_columns(group=pl.lit(name)) for name in ("version 1", "version 2")])
    figure = dots(frame, SHARE)
    assert [trace.name for trace in figure.data] == ["version 1", "version 2"]
    assert figure.layout.showlegend
    assert {trace.marker.symbol for trace in figure.data} == {"circle", "diamond"}
    assert figure.data[0].y[0] != figure.data[1].y[0]


def test_curves_draw_a_band_a_group_and_differ_in_grey() -> None:
    frame = pl.DataFrame(
        {
            "group": ["a", "a", "b", "b"],
            "at": [1, 2, 1, 2],
            "value": [0.1, 0.2, 0.3, None],
            "lower": [0.0, 0.1, 0.2, None],
            "upper": [0.2, 0.3, 0.4, None],
            "n_learners": [10, 11, 12, None],
        }
    )
    figure = curves(frame, POINTS, "Attempt", goal=0.7)
    named = [trace for trace in figure.data if trace.name]
    assert [list(trace.y) for trace in named] == [[10.0, 20.0], [30.0]]
    assert named[0].line.dash != named[1].line.dash
    assert sum(trace.fill == "tonexty" for trace in figure.data) == 1


def test_heat_says_withheld_and_returns_keys() -> None:
    frame = pl.DataFrame(
        {
            "row": ["EMEA", "EMEA"],
            "column": ["Empathy", "Clarity"],
            "value": [0.81, None],
            "n_learners": [12, None],
            "key": ["EMEA|empathy", "EMEA|clarity"],
        }
    )
    figure = heat(frame, 40)
    cells, marks = figure.data
    assert cells.z[0][1] is None
    assert list(marks.text) == ["81<br>n 12", "withheld"]
    assert [row[0] for row in marks.customdata] == ["EMEA|empathy", "EMEA|clarity"]


def test_funnel_narrows_with_size_and_marks_what_lies_outside() -> None:
    frame = pl.DataFrame(
        {
            "name": ["a", "b"],
            "n_learners": [16, 64],
            "adjusted": [0.52, 0.7],
            "centre": [0.5, 0.5],
            "funnel_lower": [0.4, 0.45],
            "funnel_upper": [0.6, 0.55],
            "funnel_lower_998": [0.35, 0.425],
            "funnel_upper_998": [0.65, 0.575],
            "outside": ["within", "998"],
        }
    )
    figure = funnel_plot(frame)
    upper = figure.data[1].y
    assert upper[0] > upper[-1] > 50
    assert list(figure.data[-1].marker.symbol) == ["circle", "diamond"]


def test_deliveries_stack_every_state() -> None:
    frame = pl.DataFrame({"target": ["lrs"], "acknowledged": [5], "waiting": [1], "unknown": [0], "refused": [2]})
    assert [(trace.name, trace.x[0]) for trace in deliveries(frame).data] == [
        ("confirmed", 5),
        ("waiting", 1),
        ("answer lost", 0),
        ("refused", 2),
    ]


def test_a_note_names_each_code_once_and_keeps_unknown_ones() -> None:
    frame = pl.DataFrame(
        {
            "method": ["kaplan_meier", "kaplan_meier"],
            "assumptions": ["censoring_independent new_code", "new_code"],
            "label": ["association", "association"],
        }
    )
    text = methods.note(frame)
    assert text.count("Kaplan–Meier") == 1
    assert text.count("new code") == 1
    assert "other causes" in text
    assert methods.note(pl.DataFrame()) == ""


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((61.6, 58.2, 66.0), "62\u00a0points (95\u00a0% interval 58 to 66)"),
        ((-0.04, None, None), "0\u00a0points"),
        ((-3.0, -5.0, -1.0), "−3\u00a0points (95\u00a0% interval −5 to −1)"),
        ((None, None, None), "–"),
    ],
)
def test_an_estimate_carries_its_interval(numbers: tuple[float | None, ...], text: str) -> None:
    assert estimate(*numbers, "points") == text  # type: ignore[arg-type]


def test_a_scale_writes_a_real_minus() -> None:
    assert Scale("x", factor=1, digits=2).text(-0.5) == "−0.50"
