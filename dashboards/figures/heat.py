"""A table of coloured cells, each with its value and n; withheld cells stay grey and say so."""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.theme import GREY, finish
from dashboards.wording import points

BLUES = [(0.0, "#F1F6FB"), (0.35, "#BCD7EC"), (0.7, "#5A9BCB"), (1.0, "#0B4F86")]  # lightness alone carries the value
DARK_FROM = 0.8  # from here on white lettering reads better


def heat(frame: pl.DataFrame, wide: int) -> go.Figure:
    """Columns: row, column, value (0 to 1 or null), n_learners, key (comes back when the cell is chosen).

    Rows from top to bottom and columns in order of appearance. ``wide`` is the height of a row in pixels.
    """
    rows = list(dict.fromkeys(frame["row"].to_list()))
    columns = list(dict.fromkeys(frame["column"].to_list()))
    cells = {(cell["row"], cell["column"]): cell for cell in frame.iter_rows(named=True)}
    figure = go.Figure()
    figure.add_heatmap(
        x=columns,
        y=rows,
        z=[[_points(cells.get((row, column))) for column in columns] for row in rows],
        zmin=0,
        zmax=100,
        colorscale=BLUES,
        showscale=False,
        xgap=3,
        ygap=3,
        hoverinfo="skip",
    )
    # Plotly selects points and not cells: an invisible point on each carries the click and the hover.
    figure.add_scatter(
        x=[cell["column"] for cell in cells.values()],
        y=[cell["row"] for cell in cells.values()],
        mode="markers+text",
        marker={"size": 30, "opacity": 0, "symbol": "square", "color": GREY},
        text=[_text(cell) for cell in cells.values()],
        textfont={"color": [_ink(cell) for cell in cells.values()], "size": 12},
        selected={"textfont": {"color": GREY}},
        customdata=[(cell["key"], _hover(cell)) for cell in cells.values()],
        hovertemplate="%{customdata[1]}<extra></extra>",
    )
    figure.update_xaxes(side="top", showgrid=False, tickangle=-35 if len(columns) > 5 else 0)
    figure.update_yaxes(autorange="reversed", showgrid=False, automargin=True)
    return finish(figure, 110 + wide * len(rows), left=10, bottom=10, top=90)


def _points(cell: dict[str, Any] | None) -> float | None:
    return None if cell is None or cell["value"] is None else 100 * cell["value"]


def _text(cell: dict[str, Any]) -> str:
    if cell["value"] is None:
        return "withheld"
    return f"{points(cell['value'])}<br>n {cell['n_learners']}"


def _ink(cell: dict[str, Any]) -> str:
    if cell["value"] is None:
        return GREY
    return "#FFFFFF" if cell["value"] >= DARK_FROM else "#16202C"


def _hover(cell: dict[str, Any]) -> str:
    name = f"{cell['row']}, {cell['column']}"
    if cell["value"] is None:
        return f"{name}: withheld, too few learners"
    return f"{name}: {points(cell['value'])} of 100 points, {cell['n_learners']} learners"
