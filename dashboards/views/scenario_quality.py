"""Scenario quality: which scenario or criterion is broken?"""

import polars as pl
import streamlit as st

from dashboards import mart_queries, shell
from dashboards.figures.dots import POINTS, SHARE, Scale, dots
from dashboards.names import Names
from dashboards.wording import count, listing, points

KINDS = {"engine_llm": "The engine's model", "our_llm": "Our model", "human": "People"}
TOO_EASY, TOO_HARD, FLAT, MISSING, EXTREME = 0.9, 0.2, 0.2, 0.2, 0.5
DISCRIMINATION = Scale("Correlation with the other criteria", factor=1, range=(-0.3, 1), digits=2, positive=False)
TABLE = {
    "scenario": st.column_config.TextColumn("Scenario"),
    "criterion": st.column_config.TextColumn("Criterion"),
    "rubric": st.column_config.TextColumn("Rubric"),
    "n_learners": st.column_config.NumberColumn("Learners"),
    "n": st.column_config.NumberColumn("Scores"),
    "score": st.column_config.NumberColumn("Mean (0–100)", format="%.0f"),
    "low": st.column_config.NumberColumn("95 % from", format="%.0f"),
    "high": st.column_config.NumberColumn("95 % to", format="%.0f"),
    "discrimination": st.column_config.NumberColumn("Discrimination", format="%.2f"),
    "floor": st.column_config.NumberColumn("At the lowest (%)", format="%.0f"),
    "ceiling": st.column_config.NumberColumn("At the highest (%)", format="%.0f"),
    "blocked": st.column_config.NumberColumn("Blocker missed (%)", format="%.0f"),
    "absent": st.column_config.NumberColumn("Not scored (%)", format="%.0f"),
    "verdict": st.column_config.TextColumn("What stands out"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}
READING = (
    "From the easiest to the hardest, by the newest rubric version; older ones are in the table. The first figure is "
    "the mean score: the higher, the easier. The second is the correlation with the session's other criteria; below "
    "0.2, the dashed line, a criterion tells little. The third is the share of scores at the lowest and highest step "
    "and, for blockers, the share that missed it."
)
REMEDIES = (
    ("too easy", "Everybody reaches it: raise the levels, or spend practice time elsewhere."),
    ("too hard", "Nobody reaches it: does the scenario give the chance, and are the levels plain?"),
    (
        "does not tell strong from weak",
        "It goes its own way: vague wording, or a scorer that guesses.",
    ),
    ("often not scored", "The scorer leaves it out: check the rubric's mapping and the tool's schema."),
    ("piles up at one end", "Half the scores sit on one step: add steps, or split it into checks."),
)


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Scenario quality", "Which scenario or criterion is broken?")
    shell.needs(page, "scenario_items")
    with st.grid(2, min_column_width=220, gap="small"):
        kinds = mart_queries.values(page.edition, "scenario_items", "scorer_kind") or ["engine_llm"]
        kind = shell.choice("Scored by", kinds, "scorer", lambda code: KINDS.get(code, code))
        scenarios = ["*", *mart_queries.values(page.edition, "scenario_items", "scenario_id")]
        scenario = shell.choice("Scenario", scenarios, "scenario", page.names.scenario)
    where = {"scorer_kind": kind} | ({} if scenario == "*" else {"scenario_id": scenario})
    order = ("scenario_id", "rubric_id", "rubric_version", "mean desc")
    frame = named(page.names, mart_queries.mart(page.edition, "scenario_items", where, order))
    shown = frame.filter(~pl.col("suppressed")) if frame.height else frame
    if shown.is_empty():
        shell.nothing(place, page, frame, "scored criterion")
        return
    shell.answer(place, sentence(shown))
    flagged(shown)
    shell.section("Criteria by scenario", READING)
    newest = shown.filter(pl.col("rubric_version") == pl.col("rubric_version").max().over("scenario_id", "rubric_id"))
    panels = {f"{title} ({rubric})": part for (title, rubric), part in by_panel(newest)}
    title = shell.choice("Criteria of", list(panels), "criteria") if len(panels) > 1 else next(iter(panels))
    scenario_panel(title, panels[title])
    shell.section("All criteria")
    shell.grid(as_table(frame), TABLE, "scenario-quality")


def named(names: Names, frame: pl.DataFrame) -> pl.DataFrame:
    """Names and what stands out, beside the mart's columns."""
    if frame.is_empty():
        return frame
    rows = [
        row
        | {
            "scenario": names.scenario(row["scenario_id"]),
            "rubric": f"{names.rubric(row['rubric_id'])} v{row['rubric_version']}",
            "criterion": names.criterion(row["rubric_id"], row["rubric_version"], row["criterion_id"]).name,
            "verdict": "" if row["suppressed"] else listing(verdicts(row)),
        }
        for row in frame.iter_rows(named=True)
    ]
    added = dict.fromkeys(("scenario", "rubric", "criterion", "verdict"), pl.String)
    return pl.DataFrame(rows, schema={**frame.schema, **added})


def verdicts(row: dict[str, float | None]) -> list[str]:
    """What stands out of a criterion; a limit counts only where the interval lies beyond it, where there is one."""
    found = []
    low, high, rest = row["lower"], row["upper"], row["discrimination"]
    if low is not None and low > TOO_EASY:
        found.append("too easy")
    if high is not None and high < TOO_HARD:
        found.append("too hard")
    highest = row.get("discrimination_upper")
    if rest is not None and (highest if highest is not None else rest) < FLAT:
        found.append("does not tell strong from weak")
    if (row["missing_share"] or 0.0) > MISSING:
        found.append("often not scored")
    if max(row["floor_share"] or 0.0, row["ceiling_share"] or 0.0) > EXTREME:
        found.append("piles up at one end")
    return found


def sentence(shown: pl.DataFrame) -> str:
    """The answer: how many criteria stand out, and the hardest with its interval."""
    odd = shown.filter(pl.col("verdict") != "")
    hardest = shown.sort("mean").row(0, named=True)
    text = (
        f"**{count(odd.height)} of {count(shown.height, 'criterion', 'criteria')}** stand out"
        if odd.height
        else f"**None of {count(shown.height, 'criterion', 'criteria')}** stands out"
    )
    limits = "" if hardest["lower"] is None else (
        f" (95 % interval {points(hardest['lower'])} to {points(hardest['upper'])}, "
        f"{count(hardest['n_learners'], 'learner')})"
    )  # fmt: skip
    return (
        f"{text}. The hardest is **{hardest['criterion']}** in {hardest['scenario']}: mean {points(hardest['mean'])} "
        f"of 100 points{limits}."
    )


def flagged(shown: pl.DataFrame) -> None:
    """What stands out, with what to do about it."""
    odd = shown.filter(pl.col("verdict") != "")
    if odd.is_empty():
        return
    shell.section("What stands out")
    for verdict, remedy in REMEDIES:
        hit = odd.filter(pl.col("verdict").str.contains(verdict, literal=True))
        if hit.height:
            names = listing([f"{row['criterion']} ({row['scenario']})" for row in hit.iter_rows(named=True)])
            st.markdown(f"- **{verdict.capitalize()}:** {names}. {remedy}")


def by_panel(newest: pl.DataFrame) -> list[tuple[tuple[str, str], pl.DataFrame]]:
    """Criteria by scenario and rubric, the one in which most stands out first; a tenant may have many."""
    parts = newest.group_by("scenario", "rubric", maintain_order=True)
    return sorted(parts, key=lambda each: -each[1].filter(pl.col("verdict") != "").height)


def scenario_panel(title: str, part: pl.DataFrame) -> None:
    """Difficulty, discrimination and extremes of one scenario's criteria, the easiest first."""
    st.subheader(title, anchor=False)
    base = part.with_columns(name="criterion").sort("mean", descending=True, nulls_last=True)
    panels = (
        ("Difficulty", POINTS, base.with_columns(value="mean"), None),
        ("Discrimination", DISCRIMINATION, told_apart(base), FLAT),
        ("Extremes", SHARE, extremes(base), None),
    )
    with st.grid(3, min_column_width=300, gap="medium"):
        for name, scale, frame, reference in panels:
            alt = f"Dots: {name.lower()} of {base.height} criteria of {title}; the table holds every figure."
            key = f"{name.lower()}-{part['scenario_id'][0]}-{part['rubric_id'][0]}"
            shell.chart(dots(frame, scale, reference), alt, key)


def told_apart(base: pl.DataFrame) -> pl.DataFrame:
    """Discrimination with its interval, where the mart gives one."""
    none = pl.lit(None, pl.Float64)
    known = "discrimination_lower" in base.columns
    return base.with_columns(
        value="discrimination",
        lower="discrimination_lower" if known else none,
        upper="discrimination_upper" if known else none,
    )


def extremes(base: pl.DataFrame) -> pl.DataFrame:
    """Floor, ceiling and blocker rate as groups."""
    none = pl.lit(None, pl.Float64)
    shares = (("lowest step", "floor_share"), ("highest step", "ceiling_share"), ("blocker missed", "blocker_rate"))
    return pl.concat(
        base.select("name", "n_learners", group=pl.lit(group), value=column, lower=none, upper=none)
        for group, column in shares
    )


def as_table(frame: pl.DataFrame) -> pl.DataFrame:
    """Shares as per cent, scores as points."""
    scaled = {"score": "mean", "low": "lower", "high": "upper", "floor": "floor_share", "ceiling": "ceiling_share",
              "blocked": "blocker_rate", "absent": "missing_share"}  # fmt: skip
    return frame.with_columns(**{name: pl.col(column) * 100 for name, column in scaled.items()})


if __name__ == "__main__":
    main()
