"""Objectives and guardrails: what do people reach, and which lines do they cross?"""

import polars as pl
import streamlit as st

from dashboards import mart_queries, shell
from dashboards.figures.curves import weekly
from dashboards.figures.dots import SHARE, dots
from dashboards.figures.practice import week_range, wilson
from dashboards.names import humanise
from dashboards.queries import ALL, Cell
from dashboards.shell import Page
from dashboards.wording import count, estimate, span

OBJECTIVES = {
    "scenario": st.column_config.TextColumn("Scenario"),
    "scenario_version": st.column_config.TextColumn("Version"),
    "name": st.column_config.TextColumn("Objective"),
    "n_learners": st.column_config.NumberColumn("Learners"),
    "sessions": st.column_config.NumberColumn("Sessions"),
    "reached": st.column_config.NumberColumn("Reached in"),
    "reached_share": st.column_config.NumberColumn("Share (%)", format="%.0f"),
    "lower": st.column_config.NumberColumn("95 % from", format="%.0f"),
    "upper": st.column_config.NumberColumn("95 % to", format="%.0f"),
    "seconds_p50": st.column_config.NumberColumn("Median time (s)", format="%.0f"),
    "not_found_share": st.column_config.NumberColumn("Variables not found, mean", format="%.2f"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}
GUARDRAILS = {
    "name": st.column_config.TextColumn("Guardrail"),
    "severity": st.column_config.TextColumn("Severity"),
    "regulation": st.column_config.TextColumn("Regulation"),
    "triggered": st.column_config.NumberColumn("Sessions that triggered it"),
    "sessions": st.column_config.NumberColumn("Sessions in which it could"),
    "share": st.column_config.NumberColumn("Share (%)", format="%.1f"),
    "low": st.column_config.NumberColumn("95 % from", format="%.1f"),
    "high": st.column_config.NumberColumn("95 % to", format="%.1f"),
    "repeats": st.column_config.NumberColumn(
        "Learner-weeks with a repeat", help="More than once in a week by one learner"
    ),
    "weeks": st.column_config.NumberColumn("Weeks shown"),
}
WEEKLY = {
    "week": st.column_config.DateColumn("Week of", format="YYYY-MM-DD"),
    "name": st.column_config.TextColumn("Guardrail"),
    "n_learners": st.column_config.NumberColumn("Learners"),
    "sessions": st.column_config.NumberColumn("Sessions"),
    "triggered": st.column_config.NumberColumn("Triggered"),
    "rate": st.column_config.NumberColumn("Share (%)", format="%.1f"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening(
        "Objectives and guardrails", "What do people reach in a session, and which lines do they cross?"
    )
    shell.needs(page, "objective_funnel", "guardrail_board")
    cell = shell.weekly_cell(page)
    where = {"region": cell.region, "scenario_id": cell.scenario}
    weeks = mart_queries.mart(page.edition, "guardrail_board", where, ("week",), (cell.first, cell.last))
    reached = objectives(page, cell)
    crossed = totals(weeks)
    if crossed.is_empty() and reached.filter(~pl.col("suppressed")).is_empty():
        shell.nothing(place, page, weeks, "session with objectives or guardrails")
        return
    shell.answer(place, sentence(cell, crossed, reached))
    guardrails(page, cell, weeks, crossed)
    funnel(page, reached)


def totals(weeks: pl.DataFrame) -> pl.DataFrame:
    """Each guardrail over the weeks that are shown, the most frequent first, with Wilson intervals."""
    if weeks.is_empty():
        return weeks
    frame = (
        weeks.filter(~pl.col("suppressed"))
        .group_by("guardrail")
        .agg(
            pl.col("severity", "regulation").first(),
            pl.col("sessions", "triggered").sum(),
            repeats=pl.col("repeat_learners").sum(),
            weeks=pl.len(),
        )
        .filter(pl.col("sessions") > 0)
    )
    rows = []
    for row in frame.iter_rows(named=True):
        low, high = wilson(row["triggered"], row["sessions"])
        rows.append(row | {"name": humanise(row["guardrail"]), "value": row["triggered"] / row["sessions"],
                           "lower": low, "upper": high})  # fmt: skip
    added = {"name": pl.String, "value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64}
    return pl.DataFrame(rows, schema={**frame.schema, **added}).sort("value", "name", descending=[True, False])


def objectives(page: Page, cell: Cell) -> pl.DataFrame:
    """The objectives of the chosen scenario, or of all, in the order in which they are played."""
    where = {} if cell.scenario == ALL else {"scenario_id": cell.scenario}
    frame = mart_queries.mart(
        page.edition, "objective_funnel", where, ("scenario_id", "scenario_version", "position", "objective")
    )
    if frame.is_empty():
        return frame.with_columns(suppressed=pl.lit(True)) if "suppressed" not in frame.columns else frame
    return frame.with_columns(
        name=pl.col("objective").map_elements(humanise, return_dtype=pl.String),
        scenario=pl.col("scenario_id").map_elements(page.names.scenario, return_dtype=pl.String),
        value="reached_share",
    )


def sentence(cell: Cell, crossed: pl.DataFrame, reached: pl.DataFrame) -> str:
    """The answer: the guardrail crossed most and the objective reached least."""
    text = f"**{span(cell.first, cell.last)}:** "
    hit = crossed.filter(pl.col("triggered") > 0) if crossed.height else crossed
    if hit.is_empty():
        text += "no guardrail triggered in the weeks shown"
    else:
        row = hit.row(0, named=True)
        share = estimate(100 * row["value"], 100 * row["lower"], 100 * row["upper"], "%")
        text += f"**{row['name']}** triggered most, in {share} of the {count(row['sessions'], 'session')} that could"
    shown = reached.filter(~pl.col("suppressed") & pl.col("value").is_not_null()) if reached.height else reached
    if shown.height:
        row = shown.sort("value").row(0, named=True)
        share = estimate(100 * row["value"], 100 * row["lower"], 100 * row["upper"], "%")
        text += (
            f". Over all weeks, the objective reached least is **{row['name']}** in {row['scenario']} "
            f"(version {row['scenario_version']}): {share} of {count(row['sessions'], 'session')}"
        )
    return text + "."


def guardrails(page: Page, cell: Cell, weeks: pl.DataFrame, crossed: pl.DataFrame) -> None:
    """How often each triggered, and how that moved."""
    shell.section(
        "Guardrails",
        "Share of the sessions in which it could trigger: those of a scenario version that watches for it. "
        "Bars are 95 % Wilson intervals.",
    )
    if crossed.is_empty():
        shell.missing("No guardrail can be shown.", "Name them in the scenarios, or choose all regions and scenarios.")
        return
    shell.withheld_note(weeks, cell, page.settings.minimum_cell)
    alt = "; ".join(f"{row['name']} {100 * row['value']:.0f} %" for row in crossed.iter_rows(named=True))
    shell.chart(dots(crossed.with_columns(n_learners=None), SHARE), f"Dots with intervals: {alt}.", "guardrails")
    shell.table(
        crossed.with_columns(share=100 * pl.col("value"), low=100 * pl.col("lower"), high=100 * pl.col("upper")),
        GUARDRAILS,
        "guardrails",
    )
    shell.link(
        "session_replay",
        "Replay the sessions",
        icon=":material/play_circle:",
        query={"region": cell.region, "scenario": cell.scenario},
    )
    shown = weeks.filter(~pl.col("suppressed"))
    axis = week_range(shown["week"].min(), shown["week"].max())  # type: ignore[arg-type]
    shell.section("Guardrails week by week", "The band is the 95 % Wilson interval.")
    with st.grid(2, min_column_width=330, gap="medium"):
        for row in crossed.iter_rows(named=True):
            part = shown.filter(pl.col("guardrail") == row["guardrail"])
            lines = part.select(group=pl.lit(""), at="week", value="rate", lower="lower", upper="upper",
                                n_learners="n_learners")  # fmt: skip
            with st.container(gap="xxsmall"):
                st.subheader(row["name"], anchor=False)
                about = (
                    f"Line: share of sessions that triggered {row['name']}, over {part.height} weeks; see the table."
                )
                shell.chart(weekly(lines, SHARE, axis), about, f"guardrail-{row['guardrail']}")
    named = weeks.with_columns(
        name=pl.col("guardrail").map_elements(humanise, return_dtype=pl.String), rate=100 * pl.col("rate")
    )
    shell.table(named, WEEKLY, "guardrails-by-week")


def funnel(page: Page, reached: pl.DataFrame) -> None:
    """Which share of sessions reached each objective."""
    shell.section(
        "Objectives",
        "Share of sessions that reached each, over all weeks and regions, in the order in which a scenario plays them.",
    )
    shown = reached.filter(~pl.col("suppressed") & pl.col("value").is_not_null()) if reached.height else reached
    if shown.is_empty():
        shell.missing(
            "No objective can be shown.",
            f"Scenarios name them in the catalog; each needs {page.settings.minimum_cell} learners.",
        )
        return
    with st.grid(2, min_column_width=330, gap="medium"):
        for (scenario,), part in shown.group_by("scenario", maintain_order=True):
            with st.container(gap="xxsmall"):
                st.subheader(str(scenario), anchor=False)
                objectives_of(part.with_columns(group="version " + pl.col("scenario_version")))
    percents = ["reached_share", "lower", "upper"]
    shell.table(reached.with_columns(pl.col(percents) * 100), OBJECTIVES, "objectives")


def objectives_of(part: pl.DataFrame) -> None:
    """One scenario's objectives, its versions beside each other."""
    told = (f"{row['name']} ({row['group']}) {100 * row['value']:.0f} %" for row in part.iter_rows(named=True))
    shell.chart(dots(part, SHARE), f"Dots with intervals: {'; '.join(told)}.", f"objectives-{part['scenario_id'][0]}")


if __name__ == "__main__":
    main()
