"""Overview: is practice happening, is it getting better, and where should one look next?"""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import streamlit as st

from dashboards import queries, shell
from dashboards.changes import PASS, with_changes
from dashboards.figures import practice
from dashboards.names import humanise
from dashboards.queries import Cell
from dashboards.shell import Page
from dashboards.wording import (
    change_sentence,
    count,
    listing,
    percent,
    points,
    signed,
    span,
)

PERIODS = {"4": "4 weeks", "8": "8 weeks", "13": "13 weeks", "26": "26 weeks"}
WEEK = timedelta(weeks=1)
FUNNEL = {
    "step": st.column_config.TextColumn("Step"),
    "sessions": st.column_config.NumberColumn("Sessions"),
    "of_launched": st.column_config.NumberColumn("Of launched (%)", format="%.0f"),
    "of_previous": st.column_config.NumberColumn("Of the step before (%)", format="%.0f"),
}
WEEKLY = {
    "week": st.column_config.DateColumn("Week of", format="YYYY-MM-DD"),
    "n_learners": st.column_config.NumberColumn("Learners"),
    "launched": st.column_config.NumberColumn("Launched"),
    "joined": st.column_config.NumberColumn("Joined"),
    "completed": st.column_config.NumberColumn("Completed"),
    "scored": st.column_config.NumberColumn("Scored"),
    "judged": st.column_config.NumberColumn("With a verdict"),
    "passed": st.column_config.NumberColumn("Passed"),
    "practice_hours": st.column_config.NumberColumn("Practice (hours)", format="%.1f"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}
PROFICIENCY = {
    "name": st.column_config.TextColumn("Competency"),
    "score": st.column_config.NumberColumn("Mean (0–100)", format="%.1f"),
    "low": st.column_config.NumberColumn("95 % from", format="%.1f"),
    "high": st.column_config.NumberColumn("95 % to", format="%.1f"),
    "n": st.column_config.NumberColumn("Scores"),
    "learners": st.column_config.NumberColumn("Learners"),
    "change": st.column_config.NumberColumn("Change (points)", format="%+.1f"),
    "change_half": st.column_config.NumberColumn("Change ± (95 %)", format="%.1f"),
}
GUARDRAILS = {
    "name": st.column_config.TextColumn("Guardrail"),
    "severity": st.column_config.TextColumn("Severity"),
    "regulation": st.column_config.TextColumn("Regulation"),
    "triggered": st.column_config.NumberColumn("Sessions that triggered it"),
    "sessions": st.column_config.NumberColumn("Sessions in which it could"),
    "share": st.column_config.NumberColumn("Share (%)", format="%.1f"),
}


def filters(page: Page) -> tuple[Cell, date]:
    """The cell of this period and the Monday on which the period before it starts; stops where nothing is published."""
    known = queries.weeks(page.edition)
    if known is None:
        shell.missing(
            "The published marts hold no practice.",
            "Ingest sessions with `rolecall ingest` or connect the engine to the gateway, then run `rolecall run`.",
        )
        st.stop()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        period = st.segmented_control(
            "Period", list(PERIODS), default="4", required=True, format_func=PERIODS.__getitem__, key="period",
            bind="query-params",
        )  # fmt: skip
        region, scenario = shell.cell_filters(page)
    length = int(period or 4)
    last = known[1]
    first = last - WEEK * (length - 1)
    return Cell(region, scenario, first, last), first - WEEK * length


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Overview", "Is practice happening, and is it getting better?")
    cell, before = filters(page)
    drawn = min(before, cell.last - WEEK * (page.defaults.weeks - 1))
    history = queries.funnel(page.edition, replace(cell, first=drawn))
    weekly = history.filter(pl.col("week").is_between(cell.first, cell.last))
    if weekly.filter(~pl.col("suppressed")).is_empty():
        shell.answer(place, f"There is nothing to show for {span(cell.first, cell.last)}.")
        shell.missing(
            f"No week of this period has at least {page.settings.minimum_cell} learners in this selection.",
            "Choose all regions, all scenarios or a longer period.",
        )
        return
    scores = with_changes(queries.periods(page.edition, cell, before, page.settings.minimum_cell))
    learners, learners_before = queries.reach(page.edition, cell, before)
    earlier = history.filter(pl.col("week").is_between(before, cell.first - WEEK))
    shell.answer(place, sentence(cell, weekly, scores, learners))
    tiles(weekly, earlier, scores, learners, learners_before)
    shell.withheld_note(weekly, cell, page.settings.minimum_cell)
    volume_and_rate(history, cell)
    competencies(page, scores)
    left, right = st.columns(2, gap="large")
    with left:
        funnel(weekly)
    with right:
        changes(page, scores)
    guardrails(page, cell)
    from dashboards import reports  # the report draws figures of this page: neither can be loaded before the other

    reports.button(page)


def sentence(cell: Cell, weekly: pl.DataFrame, scores: pl.DataFrame, learners: int) -> str:
    """The answer: volume, reach, pass rate with its interval, and what changed."""
    totals = practice.funnel_totals(weekly)
    text = (
        f"**{span(cell.first, cell.last)}:** {count(learners, 'learner')} practised in "
        f"{count(totals['joined'], 'session')}"
    )
    passed = scores.filter(pl.col("subject") == PASS)
    row = passed.row(0, named=True) if passed.height else None
    if row is None or row["mean"] is None:
        return text + ". Too few of them have a verdict to give a pass rate."
    text += f"; {percent(row['mean'])} of the {count(row['n'])} sessions with a verdict passed"
    if row["lower"] is not None:
        text += f" (95 % interval {percent(row['lower'])} to {percent(row['upper'])})"
    if row["change"] is not None:
        text += (
            f". Against the period before: {change_sentence(row['change'], row['change_half'], 'percentage points')}"
        )
    return text + "."


def tiles(
    weekly: pl.DataFrame, earlier: pl.DataFrame, scores: pl.DataFrame, learners: int, learners_before: int
) -> None:
    """Four numbers, each with its change against the period before."""
    now, then = practice.funnel_totals(weekly), practice.funnel_totals(earlier)
    hours, hours_before = practised(weekly), practised(earlier)
    passed = scores.filter((pl.col("subject") == PASS) & pl.col("mean").is_not_null())
    known = earlier.filter(~pl.col("suppressed")).height == weekly.filter(~pl.col("suppressed")).height > 0

    def against(value: float, before: float) -> int | None:
        return round(value - before) if known else None

    note = "vs period before" if known else None
    with st.grid(4, min_column_width=170, gap="small"):
        st.metric("Learners", count(learners), against(learners, learners_before), delta_description=note, border=True)
        st.metric("Sessions", count(now["joined"]), against(now["joined"], then["joined"]), delta_description=note,
                  border=True)  # fmt: skip
        st.metric("Hours of practice", count(hours), against(hours, hours_before),
                  delta_description=note, border=True)  # fmt: skip
        if passed.height:
            row = passed.row(0, named=True)
            change = None if row["change"] is None else round(100 * row["change"])
            st.metric("Pass rate", percent(row["mean"]), change, delta_description=f"pp {note}" if note else "pp",
                      border=True)  # fmt: skip
        else:
            st.metric("Pass rate", "–", border=True)


def practised(weekly: pl.DataFrame) -> float:
    """Hours of practice over the weeks that are shown."""
    return sum(weekly.filter(~pl.col("suppressed"))["practice_hours"].to_list())


def volume_and_rate(history: pl.DataFrame, cell: Cell) -> None:
    """Weekly volume beside the weekly pass rate, and one table for both."""
    shown = history.filter(~pl.col("suppressed"))
    left, right = st.columns(2, gap="large")
    with left:
        shell.section("Practice by week", "Sessions joined; the chosen period is darker.")
        alt = f"Bars: sessions joined a week over {shown.height} weeks, {count(sum(shown['joined'].to_list()))} in all."
        shell.chart(practice.volume(history, cell.first), alt, "volume")
    with right:
        shell.section("Pass rate by week", "Share of sessions with a verdict that passed, with 95 % Wilson intervals.")
        totals = practice.funnel_totals(history)
        judged = sum(shown["judged"].to_list())
        overall = f"{percent(totals['passed'] / judged)} passed" if judged else "no verdict"
        alt = f"Points with intervals: weekly pass rate, {overall} over all weeks drawn."
        if judged:
            shell.chart(practice.pass_rate(history, cell.first), alt, "pass-rate")
        else:
            shell.missing(
                "No session has a verdict.", "Give the rubric a pass rule, or see which criteria are missing."
            )
    shell.table(history, WEEKLY, "practice-by-week")


def competencies(page: Page, scores: pl.DataFrame) -> None:
    """Where people stand, by competency."""
    frame = scores.filter((pl.col("subject") != PASS) & pl.col("mean").is_not_null())
    shell.section(
        "Proficiency by competency",
        "Mean score in the period, with a 95 % interval that counts each learner once however often they practised.",
    )
    if frame.is_empty():
        shell.missing("No competency has enough scored learners in this period.", "Choose a longer period.")
        return
    frame = frame.with_columns(
        name=pl.col("subject").map_elements(page.names.competency, return_dtype=pl.String),
        mastery=pl.col("subject").map_elements(page.names.mastery.get, return_dtype=pl.Float64, skip_nulls=True),
    )
    best, least = frame.sort("mean", descending=True).row(0, named=True), frame.sort("mean").row(0, named=True)
    alt = (
        f"Dots with intervals: mean score of {frame.height} competencies; highest {best['name']} with "
        f"{points(best['mean'])}, lowest {least['name']} with {points(least['mean'])} of 100 points."
    )
    shell.chart(practice.proficiency(frame), alt, "proficiency")
    figures = frame.with_columns(
        score=100 * pl.col("mean"),
        low=100 * pl.col("lower"),
        high=100 * pl.col("upper"),
        change=100 * pl.col("change"),
        change_half=100 * pl.col("change_half"),
    )
    shell.table(figures.sort("score", descending=True), PROFICIENCY, "proficiency-by-competency")


def funnel(weekly: pl.DataFrame) -> None:
    """From launched to passed."""
    totals = practice.funnel_totals(weekly)
    shell.section(
        "From launch to pass",
        "Sessions of the period that reached each step; a session that ended early can still be scored.",
    )
    launched = max(totals["launched"], 1)
    alt = "Bars: " + ", ".join(f"{practice.STEPS[step]} {count(value)}" for step, value in totals.items()) + "."
    shell.chart(practice.funnel(totals), alt, "funnel")
    values = list(totals.values())
    frame = pl.DataFrame(
        {
            "step": [practice.STEPS[step] for step in totals],
            "sessions": values,
            "of_launched": [100 * value / launched for value in values],
            "of_previous": [100.0, *(100 * b / a if a else None for a, b in pairwise(values))],
        }
    )
    shell.table(frame, FUNNEL, "funnel")


def changes(page: Page, scores: pl.DataFrame) -> None:
    """What moved by more than its interval, and where to look next."""
    shell.section("What changed", "Against the period of the same length before.")
    frame = scores.filter(pl.col("change").is_not_null() & (pl.col("subject") != PASS))
    moved = frame.filter(pl.col("change").abs() > pl.col("change_half")).sort("change", descending=True)
    if frame.is_empty():
        shell.missing("There is no earlier period to compare with.", "Choose a shorter period, or wait for more weeks.")
    elif moved.is_empty():
        st.markdown(
            f"No competency moved by more than its 95 % interval; {frame.height} were compared. "
            "Differences that small come and go by chance."
        )
    for row in moved.iter_rows(named=True):
        name = page.names.competency(row["subject"])
        st.markdown(
            f"- **{name}** {signed(row['change'], 'points')} (±{round(100 * row['change_half'])}), "
            f"now {points(row['mean'])} of 100"
        )
    if moved.height and frame.height > moved.height:
        rest = frame.filter(pl.col("change").abs() <= pl.col("change_half"))["subject"].to_list()
        st.markdown(f"Within their intervals: {listing(sorted(page.names.competency(code) for code in rest))}.")
    st.markdown("**Look closer**")
    shell.link("competency_trends", "Which competency grows, week by week", icon=":material/trending_up:")
    shell.link(
        "session_replay",
        "Replay the sessions that failed",
        icon=":material/play_circle:",
        query={"result": "Failed"},
    )
    shell.link("data_health", "Whether anything is missing from these figures", icon=":material/fact_check:")


def guardrails(page: Page, cell: Cell) -> None:
    """Guardrails that triggered in the period."""
    frame = queries.guardrails(page.edition, cell).filter(pl.col("triggered") > 0)
    if frame.is_empty():
        return
    shell.section("Guardrails that triggered", "Sessions of the weeks shown in which the learner crossed a line.")
    frame = frame.with_columns(
        name=pl.col("guardrail").map_elements(humanise, return_dtype=pl.String),
        share=100 * pl.col("triggered") / pl.col("sessions"),
    )
    shell.grid(frame, GUARDRAILS, "guardrails")


if __name__ == "__main__":
    main()
