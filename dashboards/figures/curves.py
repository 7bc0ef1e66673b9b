"""Lines with 95 % bands over a common axis: by week, by attempt, by day."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.dots import Scale, hover
from dashboards.figures.practice import week_axis
from dashboards.theme import BAND_OPACITY, SYMBOLS, VERMILION, finish, palette, rgba

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def curves(
    frame: pl.DataFrame, scale: Scale, along: str, *, step: bool = False, height: int = 300, goal: float | None = None
) -> go.Figure:
    """Columns: group, at, value, lower, upper, n_learners; ``along`` is the axis title.

    ``step`` draws stairs, ``goal`` a dotted line. Groups differ by colour, dash and symbol, to read in grey as well.
    """
    figure = go.Figure()
    shown = frame.filter(pl.col("value").is_not_null()).sort("at")
    groups = list(dict.fromkeys(frame["group"].to_list()))
    for place, group in enumerate(groups):
        rows = shown.filter(pl.col("group") == group).to_dicts()
        if rows:
            _curve(figure, rows, scale, str(group), place, "hv" if step else "linear")
    if goal is not None:
        figure.add_hline(y=scale.factor * goal, line={"color": VERMILION, "width": 1.2, "dash": "dot"})
    figure.update_xaxes(title=along, showgrid=False)
    figure.update_yaxes(
        title=scale.title, range=scale.range, rangemode="tozero" if scale.positive else None, automargin=True
    )
    many = len(groups) > 1
    finish(figure, height, left=10, bottom=48, top=44 if many else 28)
    if many:
        figure.update_layout(
            showlegend=True, legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
        )
    return figure


def weekly(frame: pl.DataFrame, scale: Scale, weeks: Sequence[date], height: int = 230) -> go.Figure:
    """One or more curves by week; ``at`` holds Mondays, ``weeks`` the axis that panels share."""
    figure = curves(frame, scale, "", height=height)
    week_axis(figure, weeks)
    figure.update_xaxes(title=None)
    return figure


def _curve(figure: go.Figure, rows: list[dict[str, Any]], scale: Scale, name: str, place: int, shape: str) -> None:
    colour = palette(place)
    banded = [row for row in rows if row.get("lower") is not None and row.get("upper") is not None]
    if len(banded) > 1:
        for side, fill in (("lower", None), ("upper", "tonexty")):
            figure.add_scatter(
                x=[row["at"] for row in banded],
                y=[scale.factor * row[side] for row in banded],
                mode="lines",
                line={"width": 0, "color": colour, "shape": shape},
                fill=fill,
                fillcolor=rgba(colour, BAND_OPACITY),
                hoverinfo="skip",
                showlegend=False,
            )
    figure.add_scatter(
        x=[row["at"] for row in rows],
        y=[scale.factor * row["value"] for row in rows],
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": DASHES[place % len(DASHES)], "shape": shape},
        marker={"size": 5 if len(rows) > 1 else 8, "color": colour, "symbol": SYMBOLS[place % len(SYMBOLS)]},
        customdata=[(f"{name}: " if name else "", hover(row, scale)) for row in rows],
        hovertemplate="%{x}<br>%{customdata[0]}%{customdata[1]}<extra></extra>",
        name=name,
    )
