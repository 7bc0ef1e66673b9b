"""Figures of the data health page."""

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.practice import health_colours
from dashboards.names import COMPLETENESS
from dashboards.theme import finish


def completeness(frame: pl.DataFrame) -> go.Figure:
    """Sessions by UTC day, stacked: complete, closed with a part missing, open. Columns of ``health_queries.days``."""
    states = [*COMPLETENESS]
    daily = frame.group_by("day").agg(pl.col(states).sum()).sort("day")
    figure = go.Figure()
    for state in states:
        figure.add_bar(
            x=daily["day"].to_list(),
            y=daily[state].to_list(),
            name=COMPLETENESS[state],
            marker={"color": health_colours()[state], "line": {"width": 0}},
            hovertemplate="%{x|%-d %b %Y}: %{y} sessions " + COMPLETENESS[state] + "<extra></extra>",
        )
    figure.update_xaxes(showgrid=False, tickformat="%-d %b\n%Y", nticks=8)
    figure.update_yaxes(title="Sessions a day", rangemode="tozero")
    finish(figure, 300, top=44, bottom=48)
    figure.update_layout(
        barmode="stack",
        bargap=0.12,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
    )
    return figure
