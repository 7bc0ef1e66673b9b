"""Scorer quality: can the scorer be trusted, criterion by criterion, and does it drift?"""

import polars as pl
import streamlit as st

from dashboards import methods, shell
from dashboards.figures.curves import curves
from dashboards.figures.dots import Scale, dots
from dashboards.mart_queries import mart
from dashboards.names import Names
from dashboards.shell import Page
from dashboards.wording import count, estimate, listing

EVERY = "*"
WEAK, FAIR = 0.4, 0.6  # quadratic kappa below which people and model hardly or only loosely agree
KAPPA = Scale("Quadratic kappa", factor=1, range=(-0.2, 1), digits=2, positive=False)
BIAS = Scale("Model minus person (points)", range=None, digits=1, unit="points", positive=False)
NUMBER = st.column_config.NumberColumn
TABLE = {
    "name": st.column_config.TextColumn("Criterion"),
    "rubric": st.column_config.TextColumn("Rubric"),
    "scorer_version": st.column_config.TextColumn("Scorer version"),
    "month": st.column_config.TextColumn("Month"),
    "n_pairs": NUMBER("Double scores"),
    "n_learners": NUMBER("Learners"),
    "qwk": NUMBER("Kappa", format="%.2f"),
    "qwk_lower": NUMBER("95 % from", format="%.2f"),
    "qwk_upper": NUMBER("95 % to", format="%.2f"),
    "icc": NUMBER("ICC", format="%.2f"),
    "icc_lower": NUMBER("ICC from", format="%.2f"),
    "icc_upper": NUMBER("ICC to", format="%.2f"),
    "points": NUMBER("Bias (points)", format="%+.1f"),
    "points_low": NUMBER("Bias from", format="%+.1f"),
    "points_high": NUMBER("Bias to", format="%+.1f"),
    "loa_low": NUMBER("Agreement from (points)", format="%+.0f", help="Bland–Altman: 95 % of differences lie between"),
    "loa_high": NUMBER("Agreement to (points)", format="%+.0f"),
    "exact": NUMBER("Equal scores (%)", format="%.0f"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Scorer quality", "Does the model score as people would, and does it drift?")
    shell.needs(page, "scorer_agreement")
    every = named(
        page.names, mart(page.edition, "scorer_agreement", {}, ("rubric_id", "rubric_version", "criterion_id"))
    )
    if every.is_empty():
        shell.answer(place, "There is nothing to compare: no session was scored by the model and by a person.")
        shell.missing(
            "Scores of people are missing.",
            "Have people score a weekly random sample, or ingest session bundles that hold scores of people.",
        )
        return
    rubrics = list(dict.fromkeys(every["rubric"].to_list()))
    scorers = list(dict.fromkeys(every["scorer"].to_list()))
    with st.grid(2, min_column_width=220, gap="small"):
        rubric = shell.choice("Rubric", rubrics, "rubric")
        scorer = shell.choice("Scorer", scorers, "scorer")
    rows = every.filter((pl.col("rubric") == rubric) & (pl.col("scorer") == scorer))
    whole = rows.filter((pl.col("month") == EVERY) & ~pl.col("suppressed") & pl.col("qwk").is_not_null())
    if whole.is_empty():
        shell.nothing(place, page, rows, "session scored twice")
        return
    shell.answer(place, sentence(whole, rubric, scorer))
    agreement(whole.filter(pl.col("criterion_id") != EVERY))
    drift(every.filter(pl.col("rubric_id") == rows["rubric_id"][0]))
    tables(rows, page)
    st.markdown(methods.note(whole))


def named(names: Names, frame: pl.DataFrame) -> pl.DataFrame:
    """Names of rubrics, criteria and scorers."""
    rows = [
        row
        | {
            "rubric": f"{names.rubric(row['rubric_id'])} v{row['rubric_version']}",
            "scorer": scorer_name(row["scorer_kind"], row["scorer_version"]),
            "name": "All criteria together"
            if row["criterion_id"] == EVERY
            else names.criterion(row["rubric_id"], row["rubric_version"], row["criterion_id"]).name,
        }
        for row in frame.iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema={**frame.schema, **dict.fromkeys(("rubric", "scorer", "name"), pl.String)})


def scorer_name(kind: str, version: str) -> str:
    """A scorer as people call it."""
    who = {"engine_llm": "The engine's model", "our_llm": "Our model"}.get(kind, kind)
    return who if version == "unknown" else f"{who}, version {version}"


def sentence(whole: pl.DataFrame, rubric: str, scorer: str) -> str:
    """The answer: kappa and bias with intervals, and the criteria that fall behind."""
    together = whole.filter(pl.col("criterion_id") == EVERY)
    row = (together if together.height else whole.sort("n_pairs", descending=True)).row(0, named=True)
    low, high = (None, None) if row["qwk_lower"] is None else (row["qwk_lower"], row["qwk_upper"])
    verdict = "hardly agrees" if row["qwk"] < WEAK else "loosely agrees" if row["qwk"] < FAIR else "agrees"
    text = (
        f"**{rubric}:** {scorer.lower() if scorer.startswith('O') else scorer} {verdict} with people: kappa "
        f"{estimate(row['qwk'], low, high, '', 2)} over {count(row['n_pairs'], 'double score')}"
    )
    if row["bias"] is not None:
        limits = (None, None) if row["bias_lower"] is None else (100 * row["bias_lower"], 100 * row["bias_upper"])
        milder = "milder" if row["bias"] > 0 else "stricter"
        text += f". Model minus person is {estimate(100 * row['bias'], *limits, 'points', 1)}: it is the {milder} one"
    weak = whole.filter((pl.col("criterion_id") != EVERY) & (pl.col("qwk") < WEAK))["name"].to_list()
    return text + (f". Do not rely on it for {listing(weak)}." if weak else ".")


def agreement(rows: pl.DataFrame) -> None:
    """Kappa and bias by criterion."""
    shell.section(
        "Agreement with people, by criterion",
        "Quadratic kappa weighs a difference by its square: 1 is full agreement, 0 what chance gives. Bias is the mean "
        "of model minus person, so above 0 the model is milder. Intervals are 95 %.",
    )
    if rows.is_empty():
        shell.missing("No criterion has enough double scores.", "Score more of the weekly sample.")
        return
    frame = rows.sort("qwk", descending=True)
    with st.grid(2, min_column_width=330, gap="medium"):
        for key, scale, reference, columns in (
            ("kappa", KAPPA, FAIR, ("qwk", "qwk_lower", "qwk_upper")),
            ("bias", BIAS, 0.0, ("bias", "bias_lower", "bias_upper")),
        ):
            value, lower, upper = columns
            shown = frame.with_columns(value=value, lower=lower, upper=upper)
            told = "; ".join(f"{row['name']} {scale.text(row['value'])}" for row in shown.iter_rows(named=True))
            shell.chart(dots(shown, scale, reference), f"Dots with intervals, {scale.title}: {told}.", f"scorer-{key}")


def drift(rows: pl.DataFrame) -> None:
    """Agreement by month, one line a scorer version: no trend goes across versions without a linking study."""
    shell.section(
        "Drift", "Kappa of all criteria together by month; each rubric and scorer version is a line of its own."
    )
    known = rows.filter(
        (pl.col("month") != EVERY)
        & (pl.col("criterion_id") == EVERY)
        & ~pl.col("suppressed")
        & pl.col("qwk").is_not_null()
    )
    if known.is_empty():
        shell.missing("No month has enough double scores.", "Score a random sample every week.")
        return
    lines = known.with_columns(
        group=pl.col("rubric") + ", " + pl.col("scorer"), at="month", value="qwk", lower="qwk_lower", upper="qwk_upper"
    )
    alt = f"Lines: kappa by month for {lines['group'].n_unique()} versions, from {known['month'].min()} on."
    figure = curves(lines, KAPPA, "Month")
    figure.update_xaxes(type="category", categoryorder="category ascending")
    shell.chart(figure, alt, "scorer-drift")


def tables(rows: pl.DataFrame, page: Page) -> None:
    """Every figure of the chosen rubric and scorer."""
    shell.withheld_rows(rows, page, "figures")
    scaled = {"points": "bias", "points_low": "bias_lower", "points_high": "bias_upper", "loa_low": "loa_lower",
              "loa_high": "loa_upper", "exact": "exact_share"}  # fmt: skip
    frame = rows.with_columns(**{name: pl.col(code) * 100 for name, code in scaled.items()})
    frame = frame.with_columns(month=pl.col("month").replace(EVERY, "all"))
    shell.table(frame, TABLE, "scorer-agreement")


if __name__ == "__main__":
    main()
