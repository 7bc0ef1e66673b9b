"""Skill heatmap: who is strong in what, and where are the gaps?"""

import polars as pl
import streamlit as st

from dashboards import methods, shell
from dashboards.cohorts import DIMENSIONS, group_name, groups, region_for, split_filter
from dashboards.figures.heat import heat
from dashboards.mart_queries import mart
from dashboards.shell import Page
from dashboards.wording import count, estimate, percent

ROW = 46  # pixels
TABLE = {
    "row": st.column_config.TextColumn("Group"),
    "column": st.column_config.TextColumn("Competency"),
    "n_learners": st.column_config.NumberColumn("Learners"),
    "score": st.column_config.NumberColumn("Level (0–100)", format="%.1f"),
    "low": st.column_config.NumberColumn("95 % from", format="%.1f"),
    "high": st.column_config.NumberColumn("95 % to", format="%.1f"),
    "mastered": st.column_config.NumberColumn("Mastered it"),
    "share": st.column_config.NumberColumn("Mastered (%)", format="%.0f"),
    "attempts_p50": st.column_config.NumberColumn("Median attempts", format="%.0f"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Skill heatmap", "Which group is strong in what, and where are the gaps?")
    shell.needs(page, "skill_heatmap")
    with st.grid(2, min_column_width=220, gap="small"):
        split = split_filter(page, "skill_heatmap")
        region = region_for(page, split)
    frame = named(
        page, groups(page, mart(page.edition, "skill_heatmap", {}, ("region", "cohort")), split, region), split
    )
    shown = frame.filter(~pl.col("suppressed") & pl.col("value").is_not_null())
    if shown.is_empty():
        shell.nothing(place, page, frame, "scored session")
        return
    shell.answer(place, sentence(shown, split))
    shell.section(
        "Level by group and competency",
        "Mean of the learners' levels, 0 to 100 points, later attempts counting more; n is the number of learners. "
        "Choose a cell to see it in detail.",
    )
    shell.withheld_rows(frame, page, "cells")
    alt = (
        f"Heatmap: {shown['row'].n_unique()} groups by {shown['column'].n_unique()} competencies; the table holds all."
    )
    clicked = shell.chart(heat(frame, ROW), alt, "skill-heatmap", choose=True)
    scaled = {"score": "value", "low": "lower", "high": "upper", "share": "mastered_share"}
    shell.table(
        frame.with_columns(**{name: pl.col(code) * 100 for name, code in scaled.items()}), TABLE, "skill-heatmap"
    )
    detail(page, frame, shown, split, clicked[0][0] if clicked else None)
    st.markdown(methods.note(shown))


def named(page: Page, frame: pl.DataFrame, split: str) -> pl.DataFrame:
    """Names of groups and competencies, in order of name, and a key for each cell."""
    if frame.is_empty():
        return frame.with_columns(suppressed=pl.lit(True), value=pl.lit(None, pl.Float64))
    return frame.with_columns(
        row=pl.col("group").map_elements(lambda code: group_name(page, split, code), return_dtype=pl.String),
        column=pl.col("competency").map_elements(page.names.competency, return_dtype=pl.String),
        key=pl.col("group") + "|" + pl.col("competency"),
        value="level",
    ).sort("row", "column")


def sentence(shown: pl.DataFrame, split: str) -> str:
    """The answer: the lowest and the highest cell, with intervals and n."""
    ordered = shown.sort("value")
    low, high = ordered.row(0, named=True), ordered.row(-1, named=True)
    return (
        f"**By {DIMENSIONS[split].lower()}:** the widest gap is **{low['column']}** in {low['row']}, {told(low)}; the "
        f"strongest is **{high['column']}** in {high['row']}, {told(high)}."
    )


def told(row: dict[str, float]) -> str:
    """A cell's level with interval and n."""
    limits = (None, None) if row["lower"] is None else (100 * row["lower"], 100 * row["upper"])
    return f"{estimate(100 * row['value'], *limits, 'points')}, n = {row['n_learners']}"


def detail(page: Page, frame: pl.DataFrame, shown: pl.DataFrame, split: str, clicked: str | None) -> None:
    """One cell: the one clicked, or the one chosen from the list, which a keyboard reaches as well."""
    shell.section("One cell")
    labels = {
        row["key"]: f"{row['row']} · {row['column']}" for row in frame.sort("row", "column").iter_rows(named=True)
    }
    if clicked in labels and st.session_state.get("_cell_clicked") != clicked:
        st.session_state["_cell_clicked"] = st.session_state["cell"] = clicked
    weakest = shown.sort("value").row(0, named=True)["key"]
    options = [weakest, *(key for key in labels if key != weakest)]
    chosen = shell.choice("Group and competency", options, "cell", labels.__getitem__)
    row = frame.row(by_predicate=pl.col("key") == chosen, named=True)
    if row["value"] is None:
        shell.missing("This cell is withheld.", f"Fewer than {page.settings.minimum_cell} learners stand behind it.")
        return
    st.markdown(
        f"**{row['row']}, {row['column']}:** {told(row)}. {count(row['mastered'], 'learner')} of {row['n_learners']} "
        f"reached mastery ({percent(row['mastered_share'])}, 95 % interval {percent(row['mastered_lower'])} to "
        f"{percent(row['mastered_upper'])}), after a median of {row['attempts_p50']:.0f} attempts."
        if row["mastered_share"] is not None
        else f"**{row['row']}, {row['column']}:** {told(row)}. The competency has no mastery level."
    )
    region = {"region": row["group"]} if split == "region" else {}
    with st.container(horizontal=True):
        shell.link("competency_trends", "Its trend, week by week", icon=":material/trending_up:", query=region)
        shell.link(
            "cohorts",
            "Compared with the other groups",
            icon=":material/scatter_plot:",
            query={"by": split, "competency": row["competency"]},
        )
        shell.link(
            "session_replay",
            "Replay failed sessions",
            icon=":material/play_circle:",
            query={"result": "Failed", **region},
        )


if __name__ == "__main__":
    main()
