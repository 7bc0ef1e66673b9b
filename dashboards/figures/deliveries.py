"""Records by target and state of delivery."""

import plotly.graph_objects as go
import polars as pl

from dashboards.theme import BLUE, GREY, ORANGE, VERMILION, finish

STATES = {
    "acknowledged": ("confirmed", BLUE, ""),
    "waiting": ("waiting", ORANGE, "/"),
    "unknown": ("answer lost", GREY, "."),
    "refused": ("refused", VERMILION, "x"),
}


def deliveries(frame: pl.DataFrame) -> go.Figure:
    """Stacked bars, a target each; columns of ``sync_health``. States differ by colour and hatching."""
    figure = go.Figure()
    for state, (name, colour, pattern) in STATES.items():
        figure.add_bar(
            y=frame["target"].to_list(),
            x=frame[state].to_list(),
            orientation="h",
            name=name,
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate="%{y}: %{x} " + name + "<extra></extra>",
        )
    figure.update_xaxes(title="Records", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", showgrid=False, automargin=True)
    finish(figure, 130 + 40 * frame.height, left=10, bottom=44, top=44)
    figure.update_layout(
        barmode="stack",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
    )
    return figure
