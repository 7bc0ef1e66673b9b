"""Cohorts: do groups differ once chance, practice and the mix of scenarios are taken out?"""

import polars as pl
import streamlit as st

from dashboards import methods, shell
from dashboards.cohorts import DIMENSIONS, group_name, groups, region_for, split_filter
from dashboards.figures.dots import POINTS, dots
from dashboards.figures.funnel_plot import funnel_plot
from dashboards.mart_queries import mart, values
from dashboards.shell import Page
from dashboards.wording import count, estimate, listing

ATTEMPTS = [str(number) for number in range(1, 11)]
TABLE = {
    "name": st.column_config.TextColumn("Group"),
    "n_learners": st.column_config.NumberColumn("Learners"),
    "raw": st.column_config.NumberColumn("Mean as scored", format="%.1f"),
    "score": st.column_config.NumberColumn("Mean at equal mix", format="%.1f"),
    "low": st.column_config.NumberColumn("95 % from", format="%.1f"),
    "high": st.column_config.NumberColumn("95 % to", format="%.1f"),
    "drawn": st.column_config.NumberColumn("Drawn to the whole", format="%.1f", help="Empirical Bayes estimate"),
    "whole": st.column_config.NumberColumn("Whole", format="%.1f"),
    "verdict": st.column_config.TextColumn("Against chance"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}
VERDICTS = {"within": "within chance", "95": "beyond 95 % of chance", "998": "beyond 99.8 % of chance"}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Cohorts", "Which groups differ by more than chance, at the same number of attempts?")
    shell.needs(page, "cohort_comparison")
    with st.grid(4, min_column_width=170, gap="small"):
        split = split_filter(page, "cohort_comparison")
        competencies = sorted(values(page.edition, "cohort_comparison", "competency"), key=page.names.competency)
        if not competencies:
            shell.nothing(place, page, pl.DataFrame(), "scored session")
            return
        competency = shell.choice("Competency", competencies, "competency", page.names.competency)
        attempt = shell.choice("At attempt", ATTEMPTS, "attempt", lambda text: f"Attempt {text}")
        region = region_for(page, split)
    rows = mart(page.edition, "cohort_comparison", {"competency": competency}, ("region", "cohort"))
    every = groups(page, rows.filter(pl.col("attempt") == int(attempt)), split, region)
    frame = every.with_columns(
        name=pl.col("group").map_elements(lambda code: group_name(page, split, code), return_dtype=pl.String),
        verdict=pl.col("outside").replace_strict(VERDICTS, default=None, return_dtype=pl.String),
    )
    shown = frame.filter(~pl.col("suppressed") & pl.col("adjusted").is_not_null())
    if shown.is_empty():
        shell.nothing(place, page, frame, "scored session at this attempt")
        return
    shell.answer(place, sentence(page, shown, split, competency, int(attempt)))
    shell.withheld_rows(frame, page, "groups")
    comparison(shown, split)
    funnel(shown)
    scaled = {"raw": "mean", "score": "adjusted", "low": "adjusted_lower", "high": "adjusted_upper",
              "drawn": "shrunk", "whole": "centre"}  # fmt: skip
    shell.table(frame.with_columns(**{name: pl.col(code) * 100 for name, code in scaled.items()}), TABLE, "cohorts")
    st.markdown(methods.note(shown))
    shell.link("skill_heatmap", "All competencies of these groups", icon=":material/grid_view:", query={"by": split})


def sentence(page: Page, shown: pl.DataFrame, split: str, competency: str, attempt: int) -> str:
    """The answer: who lies beyond chance, with the estimate and its interval."""
    whole = 100 * shown["centre"][0]
    head = f"**{page.names.competency(competency)}, attempt {attempt}, by {DIMENSIONS[split].lower()}:** "
    odd = shown.filter(pl.col("outside") != "within").sort("adjusted")
    if odd.is_empty():
        spread = shown.sort("adjusted")
        low, high = spread.row(0, named=True), spread.row(-1, named=True)
        return (
            f"{head}none of {count(shown.height, 'group')} differs from the whole ({whole:.0f} points) by more than "
            f"chance. Between {low['name']}, {told(low)}, and {high['name']}, {told(high)}, the difference may be luck."
        )
    parts = [f"**{row['name']}** {told(row)}, {row['verdict']}" for row in odd.iter_rows(named=True)]
    return f"{head}{listing(parts)}, against {whole:.0f} points of the whole."


def told(row: dict[str, float]) -> str:
    """A group's adjusted mean with its interval and n."""
    low, high = row["adjusted_lower"], row["adjusted_upper"]
    limits = (None, None) if low is None or high is None else (100 * low, 100 * high)
    return f"{estimate(100 * row['adjusted'], *limits, 'points')}, n = {row['n_learners']}"


def comparison(shown: pl.DataFrame, split: str) -> None:
    """Dots with intervals, in order of name: a ranking would read chance as merit."""
    shell.section(
        "At equal attempt and equal mix of scenarios",
        "Mean score with its 95 % interval, as if every group had rehearsed the same scenarios. The dashed line is the "
        "whole. In order of name, because places in a ranking of small groups are mostly luck.",
    )
    frame = (
        shown.drop("group").sort("name").with_columns(value="adjusted", lower="adjusted_lower", upper="adjusted_upper")
    )
    alt = "; ".join(f"{row['name']} {told(row)}" for row in frame.iter_rows(named=True))
    shell.chart(dots(frame, POINTS, shown["centre"][0]), f"Dots with intervals by {split}: {alt}.", "cohort-dots")


def funnel(shown: pl.DataFrame) -> None:
    """Means against size, with the limits of chance."""
    shell.section(
        "Funnel plot",
        "Groups inside the funnel differ as chance alone would have it; the fewer learners, the wider it is. Lines are "
        "the 95 % and 99.8 % limits.",
    )
    odd = shown.filter(pl.col("outside") != "within")
    alt = f"Points: {shown.height} groups by number of learners; {odd.height} lie outside the 95 % limits."
    shell.chart(funnel_plot(shown), alt, "cohort-funnel")


if __name__ == "__main__":
    main()
