"""One session on one time axis: who spoke, what was signalled, and which turns the scores cite."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.names import SIGNAL_KINDS, humanise
from dashboards.theme import BLUE, GREEN, GREY, ORANGE, PURPLE, SEVERITY, SEVERITY_SYMBOL, finish
from dashboards.wording import clock

OTHER_KINDS = ("tool", "knowledge", "memory", "perception")
TEXT_SHOWN = 90
LONG_GAP_S, LONG_TURN_S = 3.0, 45.0  # marked on the timeline: a pause that is felt, a turn that is a speech


@dataclass(frozen=True)
class Mark:
    """A criterion that cites a turn."""

    ordinal: int
    label: str


def _shorten(text: str) -> str:
    return text if len(text) <= TEXT_SHOWN else text[: TEXT_SHOWN - 1].rstrip() + "…"


def _escape(text: str) -> str:
    """Plotly reads a subset of HTML in its texts, and a transcript is not ours to trust."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _speech(figure: go.Figure, turns: pl.DataFrame) -> None:
    for speaker, label, colour in (("counterpart", "Counterpart", GREY), ("learner", "Learner", BLUE)):
        rows = turns.filter((pl.col("speaker") == speaker) & pl.col("start_s").is_not_null()).to_dicts()
        figure.add_bar(
            y=[label] * len(rows),
            base=[row["start_s"] for row in rows],
            x=[max(row["duration_s"] or 0.0, 0.4) for row in rows],
            orientation="h",
            marker={"color": colour, "line": {"width": 0}},
            width=0.62,
            customdata=[(row["start_s"], clock(row["start_s"]), _escape(_shorten(row["text"]))) for row in rows],
            hovertemplate="%{customdata[1]} %{y}<br>%{customdata[2]}<extra></extra>",
            name=label,
        )


def _points(figure: go.Figure, lane: str, rows: Sequence[dict[str, object]], **marker: object) -> None:
    figure.add_scatter(
        x=[row["at"] for row in rows],
        y=[lane] * len(rows),
        mode="markers",
        marker={"size": 13, "line": {"width": 0}, **marker},
        customdata=[(row["at"], row["hover"]) for row in rows],
        hovertemplate="%{customdata[1]}<extra></extra>",
        name=lane,
    )


def _signal_lane(figure: go.Figure, signals: pl.DataFrame, kinds: Sequence[str], lane: str, colour: str | None) -> None:
    rows = []
    for row in signals.filter(pl.col("kind").is_in(kinds) & pl.col("at_s").is_not_null()).iter_rows(named=True):
        about = " (time estimated)" if row["alignment"] == "estimated" else ""
        grade = f", {row['severity']} severity" if row["kind"] == "guardrail" and row["severity"] else ""
        what = humanise(row["name"] or SIGNAL_KINDS[row["kind"]])
        rows.append(
            {
                "at": row["at_s"],
                "severity": row["severity"] or "info",
                "reached": row["state"] == "completed",
                "hover": f"{clock(row['at_s'])} {_escape(what)}, {row['state'] or 'noted'}{grade}{about}",
            }
        )
    if not rows:
        return
    if colour is None:
        _points(
            figure,
            lane,
            rows,
            color=[SEVERITY.get(row["severity"], ORANGE) for row in rows],
            symbol=[SEVERITY_SYMBOL.get(row["severity"], "triangle-up") for row in rows],
        )
    else:
        _points(
            figure,
            lane,
            rows,
            color=colour,
            symbol=["diamond" if row["reached"] or lane != "Objectives" else "diamond-open" for row in rows],
        )


def _pacing(figure: go.Figure, turns: pl.DataFrame) -> None:
    """Long gaps before the learner answers, long turns of the learner, and turns that the other side cut off."""
    learner = pl.col("speaker") == "learner"
    marks = (
        (learner & (pl.col("response_gap_s") >= LONG_GAP_S), "hourglass", "response_gap_s", "answers after {}"),
        (
            learner & (pl.col("duration_s") >= LONG_TURN_S),
            "line-ew-open",
            "duration_s",
            "speaks for {} without a break",
        ),
        (pl.col("interrupted"), "triangle-left", None, "is cut off"),
    )
    rows = [
        {
            "at": row["start_s"],
            "symbol": symbol,
            "hover": f"{clock(row['start_s'])} {row['speaker']} {what.format(_seconds(row, measure))}",
        }
        for condition, symbol, measure, what in marks
        for row in turns.filter(condition & pl.col("start_s").is_not_null()).iter_rows(named=True)
    ]
    if rows:
        _points(figure, "Pacing", rows, color=ORANGE, symbol=[row["symbol"] for row in rows])


def _seconds(row: dict[str, Any], measure: str | None) -> str:
    return "" if measure is None else f"{row[measure]:.0f} s"


def timeline(turns: pl.DataFrame, signals: pl.DataFrame, marks: Sequence[Mark], duration_s: float | None) -> go.Figure:
    """Speech as bars, signals and cited turns as marks, in lanes above one axis of minutes.

    ``turns`` has the columns of core/turns, ``signals`` those of core/signals. Each point carries its second in
    ``customdata[0]``.
    """
    figure = go.Figure()
    _speech(figure, turns)
    starts = {row["ordinal"]: row["start_s"] for row in turns.iter_rows(named=True) if row["start_s"] is not None}
    cited = [
        {"at": starts[mark.ordinal], "hover": f"{clock(starts[mark.ordinal])} cited for {_escape(mark.label)}"}
        for mark in marks
        if mark.ordinal in starts
    ]
    if cited:
        _points(figure, "Evidence", cited, color=GREEN, symbol="star")
    _signal_lane(figure, signals, ("objective",), "Objectives", GREEN)
    _signal_lane(figure, signals, ("guardrail",), "Guardrails", None)
    _signal_lane(figure, signals, OTHER_KINDS, "Other signals", PURPLE)
    _pacing(figure, turns)
    lanes = ["Learner", "Counterpart", "Evidence", "Objectives", "Guardrails", "Other signals", "Pacing"]
    used = {value for trace in figure.data for value in trace.y or ()}  # type: ignore[attr-defined]
    shown = [lane for lane in lanes if lane in used]
    end = max(
        [
            duration_s or 0.0,
            *(start + (row["duration_s"] or 0.0) for row in turns.iter_rows(named=True) if (start := row["start_s"])),
            *(at for at in signals["at_s"].to_list() if at is not None),
            1.0,
        ]
    )
    step = next((size for size in (15, 30, 60, 120, 300, 600, 1800, 3600) if end / size <= 8), 7200)
    ticks = list(range(0, int(end) + 1, step))
    figure.update_xaxes(
        range=[-0.01 * end, 1.02 * end],
        tickvals=ticks,
        ticktext=[clock(tick) for tick in ticks],
        title="Minutes and seconds from the start",
    )
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=shown[::-1], automargin=True, showgrid=True
    )
    figure.update_layout(barmode="overlay")
    return finish(figure, 84 + 38 * max(len(shown), 1), left=10, bottom=48)
