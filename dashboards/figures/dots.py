"""Dots with 95 % intervals, one row a thing: the figure that most comparisons need."""

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.theme import BLUE, GREY, SYMBOLS, VERMILION, finish, palette
from dashboards.wording import count


@dataclass(frozen=True)
class Scale:
    """How values become numbers on an axis: multiplied by ``factor``, within ``range`` where it is fixed."""

    title: str
    factor: float = 100.0
    range: tuple[float, float] | None = (0.0, 100.0)
    digits: int = 0
    unit: str = ""
    positive: bool = True  # an axis of amounts starts at 0; one of differences does not

    def text(self, value: float | None) -> str:
        """A value as the hover shows it."""
        if value is None:
            return "–"
        number = f"{self.factor * value:.{self.digits}f}".replace("-", "−")
        return f"{number} {self.unit}" if self.unit else number


POINTS = Scale("Score, 0 to 100 points", unit="points")
SHARE = Scale("Share (%)", unit="%")


def hover(row: dict[str, Any], scale: Scale) -> str:
    """Value, interval and people of one row."""
    limits = ""
    if row.get("lower") is not None and row.get("upper") is not None:
        limits = f"<br>95 % interval {scale.text(row['lower'])} to {scale.text(row['upper'])}"
    people = f"<br>{count(row['n_learners'], 'learner')}" if row.get("n_learners") is not None else ""
    return f"{scale.text(row['value'])}{limits}{people}"


def dots(frame: pl.DataFrame, scale: Scale, reference: float | None = None) -> go.Figure:
    """Columns: name, value, lower, upper, n_learners; optional ``group`` (colour and symbol) and ``goal`` (a mark).

    The first row is drawn at the top; rows without a value are left out. ``reference`` is a value all compare with.
    """
    shown = frame.filter(pl.col("value").is_not_null())
    names = list(dict.fromkeys(shown["name"].to_list()))
    grouped = "group" in shown.columns
    groups = list(dict.fromkeys(shown["group"].to_list())) if grouped else [""]
    figure = go.Figure()
    if reference is not None:
        figure.add_vline(x=scale.factor * reference, line={"color": GREY, "width": 1.2, "dash": "dash"})
    if "goal" in shown.columns:
        _goals(figure, shown, scale)
    for place, group in enumerate(groups):
        rows = (shown.filter(pl.col("group") == group) if grouped else shown).to_dicts()
        shift = (place - (len(groups) - 1) / 2) * min(0.5 / max(len(groups), 1), 0.22)
        _trace(figure, rows, [names.index(row["name"]) + shift for row in rows], scale, str(group), place)
    figure.update_xaxes(title=scale.title, range=scale.range)
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(names))),
        ticktext=names,
        range=[len(names) - 0.4, -0.6],
        automargin=True,
    )
    finish(figure, 90 + (34 if len(groups) < 3 else 44) * max(len(names), 1), left=10, bottom=44, top=36)
    if grouped:
        figure.update_layout(showlegend=True, legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"})
    return figure


def _goals(figure: go.Figure, shown: pl.DataFrame, scale: Scale) -> None:
    rows = shown.filter(pl.col("goal").is_not_null()).unique("name", maintain_order=True).to_dicts()
    names = list(dict.fromkeys(shown["name"].to_list()))
    figure.add_scatter(
        x=[scale.factor * row["goal"] for row in rows],
        y=[names.index(row["name"]) for row in rows],
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 16, "color": VERMILION, "line": {"width": 2}},
        hovertemplate=f"mastery from %{{x:.{scale.digits}f}}<extra></extra>",
        name="mastery level",
    )


def _trace(
    figure: go.Figure, rows: list[dict[str, Any]], heights: list[float], scale: Scale, name: str, place: int
) -> None:
    colour = palette(place) if name else BLUE

    def reach(row: dict[str, Any], side: str) -> float:
        limit = row.get(side)
        return 0.0 if limit is None else scale.factor * abs(limit - row["value"])

    figure.add_scatter(
        x=[scale.factor * row["value"] for row in rows],
        y=heights,
        error_x={
            "array": [reach(row, "upper") for row in rows],
            "arrayminus": [reach(row, "lower") for row in rows],
            "color": colour,
            "thickness": 2.5,
            "width": 0,
        },
        mode="markers",
        marker={"size": 10, "color": colour, "symbol": SYMBOLS[place % len(SYMBOLS)]},
        customdata=[(row["name"], hover(row, scale)) for row in rows],
        hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
        cliponaxis=False,
        name=name,
    )
