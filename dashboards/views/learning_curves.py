"""Learning curves: how fast do people reach mastery, and what is left after they stop?"""

import polars as pl
import streamlit as st

from dashboards import methods, shell
from dashboards.figures.curves import curves
from dashboards.figures.dots import POINTS, SHARE, Scale, dots
from dashboards.mart_queries import mart, values
from dashboards.shell import Page
from dashboards.wording import count, estimate, percent

PANELS = {
    "all_comers": "everybody who got there",
    "panel_5": "those with 5 attempts or more",
    "panel_10": "those with 10 attempts or more",
}
PAUSES = {"0-7": "up to 7 days", "8-14": "8 to 14 days", "15-30": "15 to 30 days", "31-60": "31 to 60 days",
          "61+": "over 60 days"}  # fmt: skip
CHANGE = Scale("Change of score (points)", range=None, unit="points", digits=1, positive=False)
NUMBER = st.column_config.NumberColumn
CURVE = {
    "group": st.column_config.TextColumn("Learners counted"),
    "attempt": NUMBER("Attempt"),
    "n_learners": NUMBER("Learners"),
    "score": NUMBER("Mean (0–100)", format="%.1f"),
    "low": NUMBER("95 % from", format="%.1f"),
    "high": NUMBER("95 % to", format="%.1f"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}
MASTERY = {
    "time": NUMBER("At"),
    "n_learners": NUMBER("Still on the way"),
    "reached": NUMBER("Reached"),
    "censored": NUMBER("Stopped before"),
    "score": NUMBER("Mastered (%)", format="%.1f"),
    "low": NUMBER("95 % from", format="%.1f"),
    "high": NUMBER("95 % to", format="%.1f"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}
DECAY = {
    "name": st.column_config.TextColumn("Pause"),
    "n_learners": NUMBER("Learners"),
    "n_pauses": NUMBER("Pauses"),
    "score": NUMBER("Change (points)", format="%+.1f"),
    "low": NUMBER("95 % from", format="%+.1f"),
    "high": NUMBER("95 % to", format="%+.1f"),
    "suppressed": st.column_config.CheckboxColumn("Withheld"),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Learning curves", "How fast do people reach mastery, and what stays after they stop?")
    shell.needs(page, "learning_curve", "mastery_curve", "skill_decay")
    with st.grid(2, min_column_width=220, gap="small"):
        competencies = sorted(values(page.edition, "learning_curve", "competency"), key=page.names.competency)
        if not competencies:
            shell.nothing(place, page, pl.DataFrame(), "scored session")
            return
        with_goal = [code for code in competencies if code in page.names.mastery] or competencies
        ordered = [*with_goal, *(code for code in competencies if code not in with_goal)]
        competency = shell.choice("Competency", ordered, "competency", page.names.competency)
        region = shell.region_filter(page)
    where = {"competency": competency, "region": region}
    curve = mart(page.edition, "learning_curve", where, ("panel", "attempt"))
    mastery = mart(page.edition, "mastery_curve", where, ("scale", "time"))
    decay = mart(page.edition, "skill_decay", where)
    if curve.filter(~pl.col("suppressed")).is_empty():
        shell.nothing(place, page, curve, "scored session")
        return
    growth = mart(page.edition, "competency_growth", where)
    shell.answer(place, sentence(page, competency, curve, mastery, growth))
    attempts(page, curve, competency)
    reaching(page, mastery)
    pauses(page, decay)


def scaled(frame: pl.DataFrame, value: str) -> pl.DataFrame:
    """Figures on 0 to 100 for a table."""
    return frame.with_columns(score=100 * pl.col(value), low=100 * pl.col("lower"), high=100 * pl.col("upper"))


def sentence(page: Page, competency: str, curve: pl.DataFrame, mastery: pl.DataFrame, growth: pl.DataFrame) -> str:
    """The answer: growth per attempt with its interval, and the time by which half reach mastery."""
    text = f"**{page.names.competency(competency)}:** "
    known = growth.filter(pl.col("estimate").is_not_null()) if growth.height else growth
    model = known.filter(pl.col("method") == "mixed_model") if known.height else known
    if model.height:
        row = model.row(0, named=True)
        text += f"scores grow by {estimate(100 * row['estimate'], 100 * row['lower'], 100 * row['upper'], 'points', 1)}"
        text += f" per attempt, {count(row['n_learners'], 'learner')}. "
    else:
        shown = curve.filter((pl.col("panel") == "all_comers") & ~pl.col("suppressed")).sort("attempt")
        first, last = shown.row(0, named=True), shown.row(-1, named=True)
        text += (
            f"{told(first, 'mean')} at attempt {first['attempt']}, {told(last, 'mean')} at attempt {last['attempt']}. "
        )
    return text + " ".join(half(mastery, scale, unit) for scale, unit in (("attempts", "attempt"), ("days", "day")))


def told(row: dict[str, float], value: str) -> str:
    """A mean on 0 to 100 with interval and n."""
    limits = (None, None) if row["lower"] is None else (100 * row["lower"], 100 * row["upper"])
    return f"{estimate(100 * row[value], *limits, 'points')}, n = {row['n_learners']}"


def half(mastery: pl.DataFrame, scale: str, unit: str) -> str:
    """By when half reach mastery, or how far the curve gets."""
    rows = mastery.filter((pl.col("scale") == scale) & ~pl.col("suppressed")) if mastery.height else mastery
    if rows.is_empty():
        return ""
    last = rows.sort("time").row(-1, named=True)
    if last["median"] is not None:
        return f"Half reach mastery within {count(last['median'], unit)}."
    if last["mastered_share"] is None:
        return ""
    limits = "" if last["lower"] is None else f" (95 % interval {percent(last['lower'])} to {percent(last['upper'])})"
    return f"By {unit} {last['time']}, {percent(last['mastered_share'])}{limits} have reached mastery."


def attempts(page: Page, curve: pl.DataFrame, competency: str) -> None:
    """Score by attempt: everybody who got there beside the same people throughout."""
    shell.section(
        "Score by attempt",
        "Those who stop early leave the line of everybody, which can lift it without learning; the other lines hold "
        "the same people throughout. The dotted line is the mastery level.",
    )
    frame = curve.with_columns(
        group=pl.col("panel").replace_strict(PANELS, default=pl.col("panel")), at="attempt", value="mean"
    )
    shown = frame.filter(~pl.col("suppressed"))
    goal = page.names.mastery.get(competency)
    alt = f"Lines: mean score by attempt for {shown['group'].n_unique()} sets of people; the table holds all."
    shell.chart(curves(shown, POINTS, "Attempt", goal=goal, height=340), alt, "learning-curve")
    shell.withheld_rows(frame, page, "points")
    shell.table(scaled(frame, "mean"), CURVE, "learning-curve")
    st.markdown(methods.note(shown))


def reaching(page: Page, mastery: pl.DataFrame) -> None:
    """Kaplan-Meier curves of reaching mastery, by attempts and by days."""
    shell.section(
        "Time to mastery",
        "Share of learners at mastery, by Kaplan–Meier: who stopped practising before counts as not yet there and is "
        "neither dropped nor taken for a failure.",
    )
    shown = (
        mastery.filter(~pl.col("suppressed") & pl.col("mastered_share").is_not_null()) if mastery.height else mastery
    )
    if shown.is_empty():
        shell.missing("No curve can be shown.", "The competency has no mastery level, or too few learners.")
        return
    left, right = st.columns(2, gap="large")
    for place, scale, along in ((left, "attempts", "Attempts"), (right, "days", "Days since the first attempt")):
        rows = shown.filter(pl.col("scale") == scale)
        with place:
            st.subheader(f"By {scale}", anchor=False)
            if rows.is_empty():
                shell.missing("Too few learners.", "Choose all regions.")
                continue
            lines = rows.with_columns(group=pl.lit(""), at="time", value="mastered_share")
            last = rows.row(-1, named=True)
            alt = f"Stairs: share at mastery by {scale}, {percent(last['mastered_share'])} at {last['time']}."
            shell.chart(curves(lines, SHARE, along, step=True), alt, f"mastery-{scale}")
            shell.table(scaled(rows, "mastered_share"), MASTERY, f"mastery-by-{scale}")
    st.markdown(methods.note(shown))


def pauses(page: Page, decay: pl.DataFrame) -> None:
    """What a pause does to the next score."""
    shell.section(
        "After a pause", "Score after the pause minus the score before, of the same people; below 0 something was lost."
    )
    frame = decay.with_columns(name=pl.col("pause").replace_strict(PAUSES, default=pl.col("pause")), value="change")
    frame = frame.sort(pl.col("pause").replace_strict({code: at for at, code in enumerate(PAUSES)}, default=99))
    shown = frame.filter(~pl.col("suppressed") & pl.col("value").is_not_null())
    if shown.is_empty():
        shell.missing("No pause can be shown.", "Too few learners came back after one; choose all regions.")
        return
    alt = "; ".join(f"{row['name']} {100 * row['value']:+.1f}" for row in shown.iter_rows(named=True))
    shell.chart(dots(shown, CHANGE, 0.0), f"Dots with intervals, points of change: {alt}.", "skill-decay")
    shell.withheld_rows(frame, page, "figures")
    shell.table(scaled(frame, "change"), DECAY, "skill-decay")
    st.markdown(methods.note(shown))


if __name__ == "__main__":
    main()
