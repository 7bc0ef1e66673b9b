"""The panel of the competency trends: one competency, its weekly mean with a 95 % band, and version lines."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.practice import WEEK, week_axis
from dashboards.theme import BAND_OPACITY, BLUE, GREY, VERMILION, finish, rgba

CLOSE = 0.5  # version lines nearer than this share of the axis have one label: two would overlap
SAME = timedelta(days=3)  # and nearer than this, one line


def stretches(weeks: Sequence[date]) -> list[list[date]]:
    """Runs of consecutive weeks: a line must not be drawn through a week that is not shown."""
    runs: list[list[date]] = []
    for week in weeks:
        if runs and week - runs[-1][-1] == WEEK:
            runs[-1].append(week)
        else:
            runs.append([week])
    return runs


def event_labels(events: pl.DataFrame, close: timedelta) -> list[tuple[date, str]]:
    """One label for each group of version changes less than ``close`` apart, at the group's first day.

    The label names what changed, and the version where all changes share it: ``scenario, rubric v2``.
    """
    groups: list[list[dict[str, Any]]] = []
    for row in events.sort("first_day").iter_rows(named=True):
        if groups and row["first_day"] - groups[-1][0]["first_day"] < close:
            groups[-1].append(row)
        else:
            groups.append([row])
    labels = []
    for group in groups:
        kinds = list(dict.fromkeys(row["kind"] for row in group))
        versions = {row["version"].removeprefix("v") for row in group}
        version = f" v{versions.pop()}" if len(versions) == 1 else ""
        labels.append((group[0]["first_day"], ", ".join(kinds) + version))
    return labels


def _band(figure: go.Figure, frame: pl.DataFrame) -> None:
    weeks, lower, upper = (frame[name].to_list() for name in ("week", "lower", "upper"))
    figure.add_scatter(
        x=weeks + weeks[::-1],
        y=[100 * value for value in upper + lower[::-1]],
        fill="toself",
        mode="lines",
        line={"width": 0, "color": BLUE},
        fillcolor=rgba(BLUE, BAND_OPACITY),
        hoverinfo="skip",
        name="95 % interval",
    )


def panel(frame: pl.DataFrame, events: pl.DataFrame, weeks: Sequence[date], mastery: float | None = None) -> go.Figure:
    """One competency's trend on a fixed 0 to 100 axis, so that panels compare by eye.

    ``frame`` holds one competency of ``queries.trend``; ``weeks`` is the axis that all panels share; ``mastery``
    is the level of the competency model, 0 to 1.
    """
    figure = go.Figure()
    shown = frame.filter(~pl.col("suppressed") & pl.col("mean").is_not_null()).sort("week")
    for run in stretches(shown["week"].to_list()):
        part = shown.filter(pl.col("week").is_in(run))
        banded = part.filter(pl.col("lower").is_not_null() & pl.col("upper").is_not_null())
        if banded.height > 1:
            _band(figure, banded)
        figure.add_scatter(
            x=part["week"].to_list(),
            y=[100 * mean for mean in part["mean"].to_list()],
            customdata=[
                (n, scores, *("–" if limit is None else f"{100 * limit:.0f}" for limit in limits))
                for n, scores, *limits in part.select("n_learners", "n_scores", "lower", "upper").iter_rows()
            ],
            mode="lines+markers" if part.height > 1 else "markers",
            line={"color": BLUE, "width": 2},
            marker={"size": 5 if part.height > 1 else 8, "color": BLUE},
            hovertemplate=(
                "Week of %{x|%-d %b}: %{y:.0f} of 100<br>95 % interval %{customdata[2]} to %{customdata[3]}"
                "<br>%{customdata[1]} scores of %{customdata[0]} learners<extra></extra>"
            ),
            name="mean",
        )
    _withheld(figure, frame.filter("suppressed")["week"].to_list())
    _version_lines(figure, events, weeks)
    if mastery is not None:
        figure.add_hline(y=100 * mastery, line={"color": VERMILION, "width": 1.2, "dash": "dot"})
    week_axis(figure, weeks)
    figure.update_yaxes(range=[0, 100], dtick=25)
    return finish(figure, 230, left=34, top=30)


def _withheld(figure: go.Figure, weeks: list[date]) -> None:
    if weeks:
        figure.add_scatter(
            x=weeks,
            y=[2] * len(weeks),
            mode="markers",
            marker={"symbol": "line-ew-open", "size": 10, "color": GREY, "line": {"width": 3}},
            hovertemplate="Week of %{x|%-d %b}: withheld, too few learners<extra></extra>",
            name="withheld",
        )


def _version_lines(figure: go.Figure, events: pl.DataFrame, weeks: Sequence[date]) -> None:
    drawn: date | None = None
    for at in events["first_day"].unique().sort().to_list():
        if drawn is not None and at - drawn < SAME:
            continue
        drawn = at
        figure.add_vline(x=at.isoformat(), line={"color": GREY, "width": 1.2, "dash": "dash"})
    first, last = weeks[0], weeks[-1]
    for at, label in event_labels(events, CLOSE * (last - first)):
        late = at - first > 0.5 * (last - first)  # a label that starts in the right half would be cut off
        figure.add_annotation(
            x=at.isoformat(),
            y=1.0,
            yref="paper",
            xanchor="right" if late else "left",
            yanchor="bottom",
            text=label,
            showarrow=False,
            font={"size": 12},
        )


def describe(name: str, frame: pl.DataFrame) -> str:
    """The panel in a sentence, as its alternative text."""
    shown = frame.filter(~pl.col("suppressed") & pl.col("mean").is_not_null()).sort("week")
    if shown.is_empty():
        return f"{name}: no week has enough learners to be shown."
    first, last = shown.row(0, named=True), shown.row(-1, named=True)
    return (
        f"{name}: weekly mean score from {100 * first['mean']:.0f} in the week of {first['week']:%d %B %Y} to "
        f"{100 * last['mean']:.0f} in the week of {last['week']:%d %B %Y}, of 100; the table below holds every week."
    )
