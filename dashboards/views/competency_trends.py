"""Competency trends: which competencies grow, and where?"""

from datetime import date, timedelta
from typing import Any

import polars as pl
import streamlit as st

from dashboards import queries, shell
from dashboards.changes import PASS, with_changes
from dashboards.figures import trends
from dashboards.figures.practice import week_range
from dashboards.names import humanise
from dashboards.queries import Cell
from dashboards.shell import Page
from dashboards.wording import count, day, listing, signed, span

WEEK = timedelta(weeks=1)
TABLE = {
    "competency": st.column_config.TextColumn("Competency"),
    "week": st.column_config.DateColumn("Week of", format="YYYY-MM-DD"),
    "score": st.column_config.NumberColumn("Mean (0–100)", format="%.1f"),
    "low": st.column_config.NumberColumn("95 % from", format="%.1f"),
    "high": st.column_config.NumberColumn("95 % to", format="%.1f"),
    "n_scores": st.column_config.NumberColumn("Scores"),
    "n_learners": st.column_config.NumberColumn("Learners"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}
EVENTS = {
    "first_day": st.column_config.DateColumn("In use from", format="YYYY-MM-DD"),
    "kind": st.column_config.TextColumn("What"),
    "name": st.column_config.TextColumn("Which"),
    "version": st.column_config.TextColumn("Version"),
    "previous": st.column_config.TextColumn("Before"),
}


def filters(page: Page) -> Cell:
    """Region, scenario and dates; stops where nothing is published."""
    known = queries.weeks(page.edition)
    if known is None:
        shell.missing(
            "The published marts hold no practice.", "Ingest sessions with `rolecall ingest`, then run `rolecall run`."
        )
        st.stop()
    with st.grid(4, min_column_width=170, gap="small"):
        region, scenario = shell.cell_filters(page)
        first, last = shell.week_filters(*known, page.defaults.weeks)
    return Cell(region, scenario, first, last)


def halves(page: Page, cell: Cell, frame: pl.DataFrame) -> tuple[pl.DataFrame, date, date, date] | None:
    """Change of each competency from the first half of the weeks shown to the second; ``None`` below four weeks.

    Halves and not ends: single weeks are noisy, and best against first would grow with practice alone.
    """
    shown = frame.filter(~pl.col("suppressed"))["week"].unique().sort().to_list()
    if len(shown) < 4:
        return None
    first, middle, last = shown[0], shown[len(shown) // 2], shown[-1]
    half = Cell(cell.region, cell.scenario, middle, last)
    changes = with_changes(queries.periods(page.edition, half, first, page.settings.minimum_cell))
    return changes.filter((pl.col("subject") != PASS) & pl.col("change").is_not_null()), first, middle, last


def sentence(page: Page, cell: Cell, frame: pl.DataFrame, events: pl.DataFrame) -> str:
    """The answer: which competencies moved by more than their intervals, from the first half to the second."""
    region = page.names.region(cell.region)
    where = f"{page.names.scenario(cell.scenario)}, {region.lower() if cell.region == queries.ALL else region}"
    found = halves(page, cell, frame)
    if found is None:
        return f"**{where}:** too few weeks are shown to tell growth from noise; four are needed."
    changes, first, middle, last = found
    text = f"**{where}, {span(first, last)}.** Since {day(middle)}, against the weeks before: "
    grew = changes.filter(pl.col("change") > pl.col("change_half")).sort("change", descending=True)
    fell = changes.filter(-pl.col("change") > pl.col("change_half")).sort("change")
    parts = [f"{listing([moved(page, row) for row in some.iter_rows(named=True)])} {verb}"
             for verb, some in (("grew", grew), ("fell", fell)) if some.height]  # fmt: skip
    scores = sum(changes["n"].to_list()) + sum(changes["n_before"].to_list())
    still = changes.height - grew.height - fell.height
    if still or not parts:
        parts.append(f"{count(still, 'competency', 'competencies')} moved within the noise")
    text += "; ".join(parts) + f" (95 % intervals, n = {count(scores, 'score')})."
    if events.height:
        text += (
            f" {count(events.height, 'version')} came into use in between: a step at a dashed line may be the "
            "measure and not the people."
        )
    return text


def moved(page: Page, row: dict[str, Any]) -> str:
    """A competency with its change and interval."""
    return (
        f"**{page.names.competency(row['subject'])}** {signed(row['change'], 'points')} "
        f"(±{round(100 * row['change_half'])})"
    )


def panels(page: Page, frame: pl.DataFrame, events: pl.DataFrame, cell: Cell) -> None:
    """One panel a competency, in order of name, on axes that all share."""
    shown = frame.filter(~pl.col("suppressed"))
    drawn: list[date] = shown["week"].to_list()
    first, last = min(drawn), max(drawn)
    weeks = week_range(first, last)
    inside = frame.filter(pl.col("week").is_between(first, last))
    lines = events.filter(pl.col("first_day").is_between(first, last + WEEK))
    order = sorted(inside["competency"].unique().to_list(), key=page.names.competency)
    with st.grid(3, min_column_width=300, gap="medium"):
        for code in order:
            name = page.names.competency(code)
            rows = inside.filter(pl.col("competency") == code)
            with st.container(gap="xxsmall"):
                st.subheader(name, anchor=False, help=page.names.definitions.get(code))
                if rows.filter(~pl.col("suppressed")).is_empty():
                    shell.missing("Withheld in every week.", "Choose all regions or all scenarios.")
                    continue
                figure = trends.panel(rows, lines, weeks, page.names.mastery.get(code))
                shell.chart(figure, trends.describe(name, rows), f"trend-{code}")


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Competency trends", "Which competencies grow, and where?")
    cell = filters(page)
    frame = queries.trend(page.edition, cell)
    events = queries.version_events(page.edition, cell)
    if frame.filter(~pl.col("suppressed")).is_empty():
        shell.answer(place, "There is nothing to show for this selection.")
        if frame.is_empty():
            shell.missing("No scored session matches.", "Choose other dates, all regions or all scenarios.")
        else:
            shell.missing(
                f"Every week has fewer than {page.settings.minimum_cell} scored learners and is withheld.",
                "Choose all regions, all scenarios or longer dates.",
            )
        return
    shell.answer(place, sentence(page, cell, frame, events))
    shell.section(
        "Week by week",
        "Mean score from 0 to 100 points; the band is the 95 % interval, clustered by learner. The dotted line is the "
        "mastery level, dashed lines are versions that came into use.",
    )
    shell.withheld_note(frame, cell, page.settings.minimum_cell)
    panels(page, frame, events, cell)
    tables(page, frame, events)


def tables(page: Page, frame: pl.DataFrame, events: pl.DataFrame) -> None:
    """Every figure drawn, and what the version lines mean."""
    figures = frame.with_columns(
        competency=pl.col("competency").map_elements(page.names.competency, return_dtype=pl.String),
        score=100 * pl.col("mean"),
        low=100 * pl.col("lower"),
        high=100 * pl.col("upper"),
    )
    shell.table(figures, TABLE, "competency-trends")
    if events.is_empty():
        return
    shell.section("Versions that came into use", "Each is a dashed line above; lines close together share a label.")
    named = events.with_columns(
        name=pl.struct("kind", "subject").map_elements(lambda row: subject(page, row), return_dtype=pl.String),
        kind=pl.col("kind").map_elements(humanise, return_dtype=pl.String),
    )
    shell.grid(named, EVENTS, "versions")


def subject(page: Page, row: dict[str, str]) -> str:
    """What a version belongs to, by its name."""
    if row["kind"] == "rubric":
        return page.names.rubric(row["subject"])
    if row["kind"] == "scenario":
        return page.names.scenario(row["subject"])
    return humanise(row["subject"])


if __name__ == "__main__":
    main()
