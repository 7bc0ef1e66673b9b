"""Pacing: do learners let the other side speak, and do they answer in time?"""

from dataclasses import dataclass

import polars as pl
import streamlit as st

from dashboards import mart_queries, practice_queries, shell
from dashboards.figures.curves import weekly
from dashboards.figures.dots import Scale
from dashboards.figures.practice import week_range
from dashboards.queries import Cell
from dashboards.wording import NO_BREAK, count, estimate, interval, span


@dataclass(frozen=True)
class Measure:
    """A measure of pace: columns of the mart, the column of a session, and how it is told."""

    title: str
    value: str
    session: str
    scale: Scale
    explanation: str
    lower: str | None = None
    upper: str | None = None


SECONDS = Scale("Seconds", factor=1, range=None, digits=1, unit="s")
TIMES = Scale("Times a session", factor=1, range=None, digits=1)
MEASURES = (
    Measure("Talk share", "talk_share_p50", "talk_share", Scale("Learner's share (%)", unit="%"),
            "Median share of speaking time that is the learner's; the band holds the middle half of sessions.",
            "talk_share_p25", "talk_share_p75"),
    Measure("Response gap", "response_gap_p50_s", "response_gap_p50_s", SECONDS,
            "Median time from the counterpart's last word to the learner's first; the band ends at 95 % of sessions.",
            "response_gap_p50_s", "response_gap_p95_s"),
    Measure("Longest monologue", "longest_monologue_p50_s", "longest_monologue_s", SECONDS,
            "Median over sessions of the learner's longest turn."),
    Measure("Learner interrupts", "interruptions_per_session", "interruptions_by_learner", TIMES,
            "Mean number of counterpart turns that the learner cut off."),
    Measure("Learner is interrupted", "interrupted_per_session", "interruptions_by_counterpart", TIMES,
            "Mean number of learner turns that the counterpart cut off."),
)  # fmt: skip
TABLE = {
    "week": st.column_config.DateColumn("Week of", format="YYYY-MM-DD"),
    "n_learners": st.column_config.NumberColumn("Learners"),
    "sessions": st.column_config.NumberColumn("Sessions"),
    "talk_share_p25": st.column_config.NumberColumn("Talk share, quarter below (%)", format="%.0f"),
    "talk_share_p50": st.column_config.NumberColumn("Talk share, median (%)", format="%.0f"),
    "talk_share_p75": st.column_config.NumberColumn("Talk share, quarter above (%)", format="%.0f"),
    "response_gap_p50_s": st.column_config.NumberColumn("Response gap, median (s)", format="%.1f"),
    "response_gap_p95_s": st.column_config.NumberColumn("Response gap, 95 % below (s)", format="%.1f"),
    "longest_monologue_p50_s": st.column_config.NumberColumn("Longest monologue (s)", format="%.0f"),
    "interruptions_per_session": st.column_config.NumberColumn("Learner interrupts", format="%.1f"),
    "interrupted_per_session": st.column_config.NumberColumn("Is interrupted", format="%.1f"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Pacing", "Do learners let the other side speak, and do they answer in time?")
    shell.needs(page, "pacing")
    cell = shell.weekly_cell(page)
    where = {"region": cell.region, "scenario_id": cell.scenario}
    frame = mart_queries.mart(page.edition, "pacing", where, ("week",), (cell.first, cell.last))
    if frame.filter(~pl.col("suppressed")).is_empty():
        shell.nothing(place, page, frame, "session with timed turns")
        return
    found = practice_queries.pace(page.edition, cell, page.settings.minimum_cell)
    shell.answer(place, sentence(cell, found))
    shell.withheld_note(frame, cell, page.settings.minimum_cell)
    panels(frame)
    percents = [name for name in TABLE if name.startswith("talk_share")]
    shell.table(frame.with_columns(pl.col(percents) * 100), TABLE, "pacing")


def sentence(cell: Cell, found: pl.DataFrame) -> str:
    """The answer: talk share, gap and interruptions as means over learners, with intervals."""
    rows = {row["measure"]: row for row in found.iter_rows(named=True)}
    share = rows.get("talk_share")
    text = f"**{span(cell.first, cell.last)}:** "
    if share is None:
        return text + "too few learners have timed turns over the weeks shown to give a mean."
    parts = [f"learners speak {told(share, 100, '% of the time')}"]
    if gap := rows.get("response_gap_p50_s"):
        parts.append(f"answer after {told(gap, 1, 's', 1)}")
    if cut := rows.get("interruptions_by_learner"):
        parts.append(f"interrupt {told(cut, 1, 'times a session', 1)}")
    return (
        f"{text}{', '.join(parts)}; means over {count(share['learners'], 'learner')} in "
        f"{count(share['sessions'], 'session')}, each learner counted once."
    )


def told(row: dict[str, float], factor: float, unit: str, digits: int = 0) -> str:
    """A mean over learners with its interval."""
    if row["error"] is None:
        return f"**{factor * row['mean']:.{digits}f}**{NO_BREAK}{unit}"
    low, high = interval(row["mean"], row["error"], row["learners"], top=float("inf"))
    return estimate(factor * row["mean"], factor * low, factor * high, unit, digits)


def panels(frame: pl.DataFrame) -> None:
    """One panel a measure, by week."""
    shown = frame.filter(~pl.col("suppressed"))
    weeks = week_range(shown["week"][0], shown["week"][-1])
    shell.section("Week by week")
    with st.grid(2, min_column_width=330, gap="medium"):
        for measure in MEASURES:
            with st.container(gap="xxsmall"):
                st.subheader(measure.title, anchor=False)
                st.markdown(measure.explanation)
                shell.chart(weekly(lines(shown, measure), measure.scale, weeks), alt(shown, measure), measure.value)


def lines(shown: pl.DataFrame, measure: Measure) -> pl.DataFrame:
    """The measure's column with its band, as curves want it."""
    none = pl.lit(None, pl.Float64)
    return shown.select(
        group=pl.lit(""),
        at="week",
        value=measure.value,
        lower=none if measure.lower is None else pl.col(measure.lower),
        upper=none if measure.upper is None else pl.col(measure.upper),
        n_learners="n_learners",
    )


def alt(shown: pl.DataFrame, measure: Measure) -> str:
    """The panel in a sentence."""
    known = shown.filter(pl.col(measure.value).is_not_null())
    if known.is_empty():
        return f"{measure.title}: no week has a figure."
    first, last = (measure.scale.text(known[measure.value][place]) for place in (0, -1))
    return f"Line: {measure.title.lower()} by week, {first} in the first week shown and {last} in the last."


if __name__ == "__main__":
    main()
