"""Figures of the overview: volume, pass rate, funnel and proficiency."""

from collections.abc import Sequence
from datetime import date, timedelta

import plotly.graph_objects as go
import polars as pl

from dashboards.theme import BLUE, GREEN, GREY, SKY, VERMILION, finish, rgba
from dashboards.wording import count, percent, points

WEEK = timedelta(days=7)
STEPS = {
    "launched": "Launched",
    "joined": "Joined",
    "talked": "Talked",
    "completed": "Completed",
    "scored": "Scored",
    "passed": "Passed",
}
Z = 1.959963984540054


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share; ``n`` is above 0."""
    share, square = hits / n, Z * Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z * ((share * (1 - share) + square / (4 * n)) / n) ** 0.5 / (1 + square / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def week_axis(figure: go.Figure, weeks: Sequence[date]) -> None:
    """Date ticks on Mondays, few enough not to touch, the year only where it changes."""
    if not weeks:
        return
    every = max(1, -(-len(weeks) // 7))
    ticks = list(weeks)[::-1][::every][::-1]
    texts = [
        f"{tick.day} {tick:%b}" + (f"<br>{tick:%Y}" if at == 0 or tick.year != ticks[at - 1].year else "")
        for at, tick in enumerate(ticks)
    ]
    figure.update_xaxes(
        tickmode="array",
        tickvals=ticks,
        ticktext=texts,
        range=[weeks[0] - WEEK / 2, weeks[-1] + WEEK / 2],
        showgrid=False,
    )


def week_range(first: date, last: date) -> list[date]:
    """Every Monday from ``first`` to ``last``."""
    return [first + WEEK * step for step in range((last - first).days // 7 + 1)]


def _every_week(frame: pl.DataFrame) -> list[date]:
    known: list[date] = frame["week"].to_list()
    return week_range(min(known), max(known)) if known else []


def _mark_withheld(figure: go.Figure, frame: pl.DataFrame, height: float) -> None:
    """A grey mark on the floor of each withheld week: a gap would read as no practice."""
    hidden = frame.filter("suppressed")
    if hidden.is_empty():
        return
    figure.add_scatter(
        x=hidden["week"].to_list(),
        y=[height] * hidden.height,
        mode="markers",
        marker={"symbol": "line-ew-open", "size": 12, "color": GREY, "line": {"width": 3}},
        hovertemplate="Week of %{x|%-d %b}: withheld, too few learners<extra></extra>",
        name="withheld",
    )


def volume(frame: pl.DataFrame, first: date) -> go.Figure:
    """Sessions joined by week; the weeks of the period from ``first`` on are darker. Columns of ``queries.funnel``."""
    shown = frame.filter(~pl.col("suppressed"))
    figure = go.Figure()
    figure.add_bar(
        x=shown["week"].to_list(),
        y=shown["joined"].to_list(),
        marker={"color": [BLUE if week >= first else rgba(BLUE, 0.45) for week in shown["week"].to_list()]},
        customdata=shown.select("n_learners", "practice_hours").rows(),
        hovertemplate=(
            "Week of %{x|%-d %b}<br>%{y} sessions by %{customdata[0]} learners<br>"
            "%{customdata[1]:.1f} hours of practice<extra></extra>"
        ),
        name="sessions",
    )
    _mark_withheld(figure, frame, 0.0)
    week_axis(figure, _every_week(frame))
    figure.update_layout(bargap=0.25)
    figure.update_yaxes(title="Sessions", rangemode="tozero")
    return finish(figure, 260)


def pass_rate(frame: pl.DataFrame, first: date) -> go.Figure:
    """Share of judged sessions that passed, by week, with Wilson intervals. Columns of ``queries.funnel``."""
    shown = frame.filter(~pl.col("suppressed") & (pl.col("judged") > 0))
    rows = list(shown.select("week", "passed", "judged").iter_rows())
    limits = [wilson(passed, judged) for _, passed, judged in rows]
    shares = [passed / judged for _, passed, judged in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=[week for week, *_ in rows],
        y=[100 * share for share in shares],
        error_y={
            "array": [100 * (high - share) for (_, high), share in zip(limits, shares, strict=True)],
            "arrayminus": [100 * (share - low) for (low, _), share in zip(limits, shares, strict=True)],
            "color": rgba(BLUE, 0.55),
            "thickness": 1.5,
            "width": 0,
        },
        mode="lines+markers",
        line={"color": rgba(BLUE, 0.5), "width": 1.5},
        marker={"size": 8, "color": [BLUE if week >= first else rgba(BLUE, 0.55) for week, *_ in rows]},
        customdata=[(n, 100 * low, 100 * high) for (_, _, n), (low, high) in zip(rows, limits, strict=True)],
        hovertemplate=(
            "Week of %{x|%-d %b}: %{y:.0f} % passed<br>95 %% interval %{customdata[1]:.0f} to %{customdata[2]:.0f} %"
            "<br>%{customdata[0]} sessions with a verdict<extra></extra>"
        ).replace("%%", "%"),
        name="pass rate",
    )
    _mark_withheld(figure, frame, 1.0)
    week_axis(figure, _every_week(frame))
    figure.update_yaxes(title="Passed (%)", range=[0, 100], dtick=25)
    return finish(figure, 260)


def funnel_totals(frame: pl.DataFrame) -> dict[str, int]:
    """Each step's count over the weeks that are shown."""
    shown = frame.filter(~pl.col("suppressed"))
    return {step: int(shown[step].sum() or 0) for step in STEPS}


def funnel(totals: dict[str, int]) -> go.Figure:
    """From launched to passed: bars from one base, each labelled with its count and share of the launches."""
    launched = totals["launched"]
    labels = [STEPS[step] for step in totals]
    texts = [
        f" {count(value)}" + ("" if step == "launched" or not launched else f" · {percent(value / launched)}")
        for step, value in totals.items()
    ]
    figure = go.Figure()
    figure.add_bar(
        y=labels,
        x=list(totals.values()),
        orientation="h",
        marker={"color": [BLUE] * 5 + [GREEN]},
        text=texts,
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x} sessions<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(visible=False, range=[0, max(totals.values(), default=1) * 1.32 or 1])
    figure.update_layout(bargap=0.3)
    return finish(figure, 260, left=84, bottom=12)


def proficiency(frame: pl.DataFrame) -> go.Figure:
    """Mean score by competency: dot, 95 % interval and n; a hollow dot where the period before stood.

    Columns: name, mean, lower, upper, n, learners, mean_before, mastery; scores on 0 to 1, the best at the top.
    """
    rows = frame.filter(pl.col("mean").is_not_null()).sort("mean").to_dicts()
    names = [row["name"] for row in rows]
    means = [100 * row["mean"] for row in rows]
    figure = go.Figure()
    earlier = [row for row in rows if row["mean_before"] is not None]
    figure.add_scatter(
        x=[100 * row["mean_before"] for row in earlier],
        y=[row["name"] for row in earlier],
        mode="markers",
        marker={"symbol": "circle-open", "size": 9, "color": GREY, "line": {"width": 2}},
        hovertemplate="%{y}: %{x:.0f} in the period before<extra></extra>",
        name="period before",
    )
    goals = [row for row in rows if row["mastery"] is not None]
    figure.add_scatter(
        x=[100 * row["mastery"] for row in goals],
        y=[row["name"] for row in goals],
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 16, "color": VERMILION, "line": {"width": 2}},
        hovertemplate="%{y}: mastery from %{x:.0f}<extra></extra>",
        name="mastery level",
    )
    figure.add_scatter(
        x=means,
        y=names,
        error_x={
            "array": [100 * row["upper"] - mean for row, mean in zip(rows, means, strict=True)],
            "arrayminus": [mean - 100 * row["lower"] for row, mean in zip(rows, means, strict=True)],
            "color": BLUE,
            "thickness": 2.5,
            "width": 0,
        },
        mode="markers",
        marker={"size": 11, "color": BLUE},
        customdata=[(row["n"], row["learners"], points(row["lower"]), points(row["upper"])) for row in rows],
        hovertemplate=(
            "%{y}: %{x:.0f} of 100, 95 % interval %{customdata[2]} to %{customdata[3]}"
            "<br>%{customdata[0]} scores of %{customdata[1]} learners<extra></extra>"
        ),
        name="this period",
    )
    figure.update_xaxes(range=[0, 100], dtick=25, title="Mean score, 0 to 100 points")
    figure.update_yaxes(showgrid=True, automargin=True)
    finish(figure, 90 + 34 * max(len(rows), 1), left=10, bottom=44, top=36)
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "reversed"},
    )
    return figure


def health_colours() -> dict[str, str]:
    """Colours of the completeness states, the same wherever they are drawn."""
    return {"complete": BLUE, "complete_partial": SKY, "open": VERMILION}
