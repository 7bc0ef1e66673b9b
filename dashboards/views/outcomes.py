"""Outcomes: does practice go with better deals, satisfaction and ramp time, and what does it return?"""

import polars as pl
import streamlit as st

from dashboards import methods, outcome_wording, shell
from dashboards.figures.curves import curves
from dashboards.figures.dots import SHARE, Scale, dots
from dashboards.mart_queries import mart
from dashboards.outcome_wording import effect, exposure_name, outcome_name
from dashboards.shell import Page
from dashboards.wording import percent

NUMBER = st.column_config.NumberColumn
TABLE = {
    "outcome_name": st.column_config.TextColumn("Outcome"),
    "exposure_name": st.column_config.TextColumn("Practice measured by"),
    "how": st.column_config.TextColumn("Method"),
    "estimate": NUMBER("Estimate", format="%.3f"),
    "lower": NUMBER("95 % from", format="%.3f"),
    "upper": NUMBER("95 % to", format="%.3f"),
    "unit": st.column_config.TextColumn("Unit"),
    "p_value": NUMBER("p", format="%.4f"),
    "q_value": NUMBER("q (false discovery rate)", format="%.4f"),
    "n_learners": NUMBER("Learners"),
    "n_outcomes": NUMBER("Outcomes"),
    "lag_days": NUMBER("Median lag (days)", format="%.0f"),
    "missing": NUMBER("Without practice before (%)", format="%.0f"),
    "label": st.column_config.TextColumn("Label"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}
RAMP = {
    "group": st.column_config.TextColumn("Practised by day 30"),
    "time": NUMBER("Day"),
    "n_learners": NUMBER("Still ramping"),
    "share": NUMBER("Ramped (%)", format="%.1f"),
    "low": NUMBER("95 % from", format="%.1f"),
    "high": NUMBER("95 % to", format="%.1f"),
}
RETURN = {
    "name": st.column_config.TextColumn("Item"),
    "value": NUMBER("Value", format="%.2f"),
    "lower": NUMBER("95 % from", format="%.2f"),
    "upper": NUMBER("95 % to", format="%.2f"),
    "unit": st.column_config.TextColumn("Unit"),
}
CORRELATION = Scale("Correlation with the outcome", factor=1, range=(-1, 1), digits=2, positive=False)
PRACTISED = {"*": "everybody", "yes": "practised", "no": "did not practise"}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Outcomes", "Does practice go with better deals, satisfaction and ramp time?")
    shell.needs(page)
    frame = named(page, mart(page.edition, "outcome_links", {}, ("outcome", "exposure", "method")))
    shown = frame.filter(~pl.col("suppressed") & pl.col("estimate").is_not_null()) if frame.height else frame
    if shown.is_empty():
        shell.answer(place, "0 outcomes can be held against practice yet.")
        shell.missing(
            "No outcome stands beside enough practice." if frame.is_empty() else "Every link is withheld.",
            f"Bring outcomes with `rolecall ingest --outcomes` or a CRM connector; each link needs "
            f"{page.settings.minimum_cell} learners who practised before the outcome.",
        )
        return
    outcomes = list(dict.fromkeys(shown["outcome"].to_list()))
    with st.grid(2, min_column_width=220, gap="small"):
        outcome = shell.choice("Outcome", outcomes, "outcome", outcome_name)
        exposures = list(dict.fromkeys(shown.filter(pl.col("outcome") == outcome)["exposure"].to_list()))
        exposure = shell.choice(
            "Practice measured by", exposures, "exposure", lambda code: exposure_name(page.names, code)
        )
    rows = shown.filter((pl.col("outcome") == outcome) & (pl.col("exposure") == exposure))
    best = outcome_wording.strongest(rows)
    shell.answer(place, outcome_wording.sentence(page.names, best))
    links(rows)
    correlations(page, shown.filter(pl.col("outcome") == outcome), outcome)
    table(frame)
    st.markdown(methods.note(rows))
    ramp(page)
    rollout(page, outcome)
    returns(page)


def named(page: Page, frame: pl.DataFrame) -> pl.DataFrame:
    """Names of outcomes, exposures and methods."""
    if frame.is_empty():
        return frame
    return frame.with_columns(
        outcome_name=pl.col("outcome").map_elements(outcome_name, return_dtype=pl.String),
        exposure_name=pl.col("exposure").map_elements(
            lambda code: exposure_name(page.names, code), return_dtype=pl.String
        ),
        how=pl.col("method").replace_strict(methods.METHODS, default=pl.col("method"), return_dtype=pl.String),
    )


def links(rows: pl.DataFrame) -> None:
    """Every estimate of this link, from the plainest to the most careful, on the scale each is made on."""
    shell.section(
        "What each method says",
        "From plain correlation to comparing people with themselves. Where careful methods shrink the plain one, the "
        "difference between people explains the rest.",
    )
    for row in rows.iter_rows(named=True):
        st.markdown(f"- **{row['how'][:1].upper()}{row['how'][1:]}:** {effect(row)}")


def correlations(page: Page, rows: pl.DataFrame, outcome: str) -> None:
    """Spearman correlations of one outcome with every measure of practice."""
    shown = rows.filter(pl.col("method") == "spearman")
    if shown.is_empty():
        shown = rows.filter(pl.col("method") == "pearson")
    if shown.is_empty():
        return
    shell.section(
        "Which practice goes with it",
        "Correlation of the outcome with each measure of practice before it, with 95 % intervals: an association. "
        "Many are compared, so read the q value in the table: it holds the share of false alarms at 5 %.",
    )
    frame = shown.with_columns(name="exposure_name", value="estimate").sort("value", descending=True)
    told = "; ".join(f"{row['name']} {row['value']:.2f}" for row in frame.iter_rows(named=True))
    shell.chart(dots(frame, CORRELATION, 0.0), f"Dots with intervals, {outcome_name(outcome)}: {told}.", "correlations")


def table(frame: pl.DataFrame) -> None:
    """All links, whatever they say: a choice of the good ones would be no evidence."""
    shell.table(frame.with_columns(missing=100 * pl.col("missing_share")), TABLE, "outcome-links",
                label="All links: table and CSV")  # fmt: skip


def ramp(page: Page) -> None:
    """Time to ramp, by whether people had practised by the landmark day."""
    rows = mart(page.edition, "ramp_curve", {}, ("practised", "time"))
    shown = rows.filter(~pl.col("suppressed") & pl.col("ramped_share").is_not_null()) if rows.height else rows
    if shown.is_empty():
        return
    shell.section(
        "Ramp time",
        "Share that has ramped by days since the start, by Kaplan–Meier; groups are formed on day 30 and only people "
        "not ramped by then are followed, so that quick starters do not count as practice's doing.",
    )
    lines = shown.filter(pl.col("practised") != "*").with_columns(
        group=pl.col("practised").replace_strict(PRACTISED, default=pl.col("practised")),
        at="time",
        value="ramped_share",
    )
    if lines.is_empty():
        lines = shown.with_columns(group=pl.lit(PRACTISED["*"]), at="time", value="ramped_share")
    ends = lines.group_by("group", maintain_order=True).last()
    told = "; ".join(
        f"{row['group']} {percent(row['value'])} by day {row['time']}" for row in ends.iter_rows(named=True)
    )
    shell.chart(curves(lines, SHARE, "Days since the start", step=True), f"Stairs: {told}.", "ramp-curve")
    scaled = lines.with_columns(share=100 * pl.col("value"), low=100 * pl.col("lower"), high=100 * pl.col("upper"))
    shell.table(scaled, RAMP, "ramp-curve")
    st.markdown(methods.note(lines))


def rollout(page: Page, outcome: str) -> None:
    """Event study where practice started at different dates."""
    rows = mart(page.edition, "rollout_effects", {"outcome": outcome}, ("period",))
    shown = rows.filter(~pl.col("suppressed") & pl.col("estimate").is_not_null()) if rows.height else rows
    if shown.is_empty():
        return
    shell.section(
        "Before and after the start of practice",
        "Difference to people who had not started, by months since the first practice; the month before it is the "
        "reference. Points before 0 should lie around 0: otherwise the groups differed already.",
    )
    lines = shown.with_columns(group=pl.lit(""), at="period", value="estimate")
    scale = Scale(f"Effect on {outcome_name(outcome).lower()}", factor=1, range=None, digits=2, positive=False)
    last = lines.row(-1, named=True)
    alt = f"Line: effect by month since the start, {last['value']:.2f} in month {last['period']}."
    shell.chart(curves(lines, scale, "Months since the first practice"), alt, "rollout")
    st.markdown(methods.note(lines))


def returns(page: Page) -> None:
    """What practice costs and what it may bring, with the reach of the design in plain words."""
    shell.section("Return on investment")
    rows = mart(page.edition, "practice_return", {}, ("item",))
    if rows.is_empty():
        shell.missing(
            "No costs are configured.",
            "Set them in `config/rolecall.yaml` (`analysis: costs:`), then run `rolecall run`.",
        )
        return
    st.markdown(outcome_wording.return_sentence(rows))
    frame = rows.with_columns(name=pl.col("item").map_elements(outcome_wording.item_name, return_dtype=pl.String))
    shell.grid(frame.with_columns(pl.col("value", "lower", "upper").cast(pl.Float64)), RETURN, "return-on-investment")


if __name__ == "__main__":
    main()
