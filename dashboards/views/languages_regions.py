"""Languages and regions: are people measured alike whatever they speak and wherever they work?"""

import polars as pl
import streamlit as st

from dashboards import methods, shell
from dashboards.cohorts import group_name, region_for
from dashboards.figures.dots import SHARE, Scale, dots
from dashboards.mart_queries import mart, values
from dashboards.shell import Page
from dashboards.wording import count, estimate, listing, percent

SPLITS = {"language": "Language", "region": "Region"}
FOUR_FIFTHS = 0.8
SPREADS = Scale("Difference to all others (standard deviations)", factor=1, range=None, digits=2, positive=False)
NUMBER = st.column_config.NumberColumn
TABLE = {
    "name": st.column_config.TextColumn("Group"),
    "n_learners": NUMBER("Learners"),
    "sessions": NUMBER("Sessions"),
    "score": NUMBER("Mean (0–100)", format="%.1f"),
    "low": NUMBER("95 % from", format="%.1f"),
    "high": NUMBER("95 % to", format="%.1f"),
    "smd": NUMBER("Difference (SD)", format="%+.2f"),
    "smd_lower": NUMBER("SD from", format="%+.2f"),
    "smd_upper": NUMBER("SD to", format="%+.2f"),
    "passed": NUMBER("Passed (%)", format="%.0f"),
    "pass_ratio": NUMBER("Pass ratio", format="%.2f", help="Pass share divided by that of all others"),
    "talk": NUMBER("Talk share (%)", format="%.0f"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}
DOCUMENTS = {
    "document": st.column_config.TextColumn("Document"),
    "language": st.column_config.TextColumn("Language of the session"),
    "sessions": NUMBER("Sessions"),
    "retrieved": NUMBER("Drawn on in"),
    "use": NUMBER("Share of sessions (%)", format="%.0f"),
    "last_used_day": st.column_config.DateColumn("Last used", format="YYYY-MM-DD"),
    "stale": st.column_config.CheckboxColumn("Stale"),
    "english_only": st.column_config.CheckboxColumn("English only"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening(
        "Languages and regions", "Are people measured alike, whatever they speak and wherever they work?"
    )
    shell.needs(page, "language_parity", "knowledge_use")
    with st.grid(3, min_column_width=200, gap="small"):
        split = shell.choice("Compare by", list(SPLITS), "by", SPLITS.__getitem__)
        scenarios = ["*", *values(page.edition, "language_parity", "scenario_id")]
        scenario = shell.choice("Scenario", scenarios, "scenario", page.names.scenario)
        region = region_for(page, split)
    frame = parity(page, split, scenario, region)
    shown = frame.filter(~pl.col("suppressed") & pl.col("mean").is_not_null()) if frame.height else frame
    if shown.is_empty():
        shell.nothing(place, page, frame, "scored session")
    else:
        shell.answer(place, sentence(shown, split))
        shell.withheld_rows(frame, page, "groups")
        comparison(shown)
        scaled = {"score": "mean", "low": "lower", "high": "upper", "passed": "pass_share", "talk": "talk_share"}
        shell.table(frame.with_columns(**{name: pl.col(code) * 100 for name, code in scaled.items()}), TABLE, "parity")
        st.markdown(methods.note(shown))
    knowledge(page, region)


def parity(page: Page, split: str, scenario: str, region: str) -> pl.DataFrame:
    """Groups of one split in a region, or the regions themselves."""
    rows = mart(page.edition, "language_parity", {"scenario_id": scenario}, ("region", "cohort"))
    if rows.is_empty():
        return rows
    if split == "region":
        rows = rows.filter((pl.col("dimension") == "all") & (pl.col("region") != "*")).with_columns(group="region")
        rows = rows.filter(pl.col("region").is_in(shell.regions(page, rows["region"].unique().to_list())))
    else:
        rows = rows.filter((pl.col("dimension") == split) & (pl.col("region") == region)).with_columns(group="cohort")
    return rows.with_columns(
        name=pl.col("group").map_elements(lambda code: group_name(page, split, code), return_dtype=pl.String)
    )


def sentence(shown: pl.DataFrame, split: str) -> str:
    """The answer: who falls outside, with the difference and its interval."""
    head = f"**By {SPLITS[split].lower()}:** "
    if shown.height < 2:
        return f"{head}only {shown['name'][0]} has enough learners, so there is nothing to compare with."
    odd = shown.filter((pl.col("smd_lower") > 0) | (pl.col("smd_upper") < 0)).sort("smd")
    low = shown.filter(pl.col("pass_ratio") < FOUR_FIFTHS)["name"].to_list()
    if odd.height:
        parts = [
            f"**{row['name']}** scores {estimate(row['smd'], row['smd_lower'], row['smd_upper'], 'SD', 2)} "
            f"against all others (n = {row['n_learners']})"
            for row in odd.iter_rows(named=True)
        ]
        text = head + listing(parts)
    else:
        widest = shown.sort(pl.col("smd").abs(), descending=True).row(0, named=True)
        gap = estimate(widest["smd"], widest["smd_lower"], widest["smd_upper"], "SD", 2)
        text = f"{head}no group differs beyond its interval; the widest difference is {widest['name']}, {gap}"
    warning = f" Below four fifths of the others' pass share: {listing(low)}; look at the scorer first." if low else ""
    return f"{text}.{warning}"


def comparison(shown: pl.DataFrame) -> None:
    """Standardised differences and pass shares beside each other."""
    shell.section(
        "Parity",
        "Left the mean score against all others, in standard deviations; beyond ±0.2 is worth a look. Right the share "
        "that passed. A difference may lie in the people, in the wording of a scenario or in the scorer: have people "
        "score a sample of the group before anybody acts on it.",
    )
    with st.grid(2, min_column_width=330, gap="medium"):
        shown = shown.drop("group").sort("name")
        frame = shown.with_columns(value="smd", lower="smd_lower", upper="smd_upper")
        told = "; ".join(f"{row['name']} {SPREADS.text(row['smd'])}" for row in frame.iter_rows(named=True))
        shell.chart(dots(frame, SPREADS, 0.0), f"Dots with intervals: {told} standard deviations.", "parity-smd")
        frame = shown.with_columns(value="pass_share", lower="pass_lower", upper="pass_upper")
        told = "; ".join(f"{row['name']} {percent(row['pass_share'])}" for row in frame.iter_rows(named=True))
        shell.chart(dots(frame, SHARE), f"Dots with intervals: passed, {told}.", "parity-passed")


def knowledge(page: Page, region: str) -> None:
    """Which documents of the knowledge base are used, by language, and which have gone stale."""
    shell.section(
        "Knowledge documents",
        "What the counterpart draws on. Stale: not used in 60 days while practice went on. English only: drawn on in "
        "English sessions and in none of another language, so others may rehearse without it.",
    )
    frame = mart(page.edition, "knowledge_use", {"region": region}, ("document", "language"))
    if frame.is_empty():
        shell.missing("No session has named a knowledge document.", "The engine reports them where a persona has any.")
        return
    shown = frame.filter(~pl.col("suppressed"))
    stale = shown.filter(pl.col("stale") & (pl.col("language") == "*"))["document"].unique().sort().to_list()
    english = shown.filter(pl.col("english_only"))["document"].unique().sort().to_list()
    others = [code for code in values(page.edition, "knowledge_use", "language") if not code.startswith("en")]
    if stale:
        st.markdown(f"**{count(len(stale), 'document')} stale:** {listing(stale)}.")
    if english and others:
        st.markdown(
            f"**Drawn on in English only:** {listing(english)}, although people also practise in {listing(others)}."
        )
    if not stale and not english:
        st.markdown("Every document shown is in use.")
    frame = frame.with_columns(use=100 * pl.col("use_share"), language=pl.col("language").replace("*", "all"))
    shell.grid(frame, DOCUMENTS, "knowledge-documents")


if __name__ == "__main__":
    main()
