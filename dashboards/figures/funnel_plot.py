"""Groups against their size, with the limits within which chance alone would hold them."""

import plotly.graph_objects as go
import polars as pl

from dashboards.theme import BLUE, GREY, VERMILION, finish
from dashboards.wording import points

LIMITS = (("funnel_lower", "dash"), ("funnel_upper", "dash"), ("funnel_lower_998", "dot"), ("funnel_upper_998", "dot"))
STEPS = 40


def funnel_plot(frame: pl.DataFrame) -> go.Figure:
    """Columns: name, n_learners, adjusted, centre, funnel limits, outside; scores on 0 to 1.

    The limits are known at the sizes of the groups; between them they follow one over the root of the size.
    """
    figure = go.Figure()
    centre = float(frame["centre"][0])
    sizes = frame["n_learners"].to_list()
    least, most = min(sizes), max(sizes)
    axis = [max(least * 0.8, 1) + (most * 1.1 - least * 0.8) * step / STEPS for step in range(STEPS + 1)]
    for name, dash in LIMITS:
        known = frame.filter(pl.col(name).is_not_null())
        if known.is_empty():
            continue
        spread = (known[name] - centre) * known["n_learners"].sqrt()
        width = float(spread.mean())  # type: ignore[arg-type]
        figure.add_scatter(
            x=axis,
            y=[min(max(100 * (centre + width / size**0.5), 0), 100) for size in axis],
            mode="lines",
            line={"color": GREY, "width": 1.2, "dash": dash},
            hoverinfo="skip",
        )
    figure.add_hline(y=100 * centre, line={"color": GREY, "width": 1})
    rows = frame.to_dicts()
    inside = [row["outside"] == "within" for row in rows]
    figure.add_scatter(
        x=sizes,
        y=[100 * row["adjusted"] for row in rows],
        mode="markers+text",
        marker={
            "size": 10,
            "color": [BLUE if fine else VERMILION for fine in inside],
            "symbol": ["circle" if fine else "diamond" for fine in inside],
        },
        text=[row["name"] for row in rows],
        textposition="top center",
        customdata=[(row["name"], points(row["adjusted"]), row["n_learners"]) for row in rows],
        hovertemplate="%{customdata[0]}: %{customdata[1]} points, %{customdata[2]} learners<extra></extra>",
        cliponaxis=False,
    )
    figure.update_xaxes(title="Learners in the group", range=[axis[0], axis[-1]])
    figure.update_yaxes(title="Score, 0 to 100 points", automargin=True)
    return finish(figure, 340, left=10, bottom=48, top=36)
