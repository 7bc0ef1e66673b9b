"""Learner: where does this person stand, what have they struggled with, and what should they practise next?"""

from typing import Any

import polars as pl
import streamlit as st

from dashboards import learner_queries, shell
from dashboards.figures.curves import curves
from dashboards.figures.dots import POINTS, dots
from dashboards.names import humanise, learner, plain
from dashboards.shell import Page
from dashboards.wording import count, day, estimate, interval, listing, points, signed
from governance.access import Thing

PICK = "learner"
GAPS = 3  # competencies that the advice names
PROGRESS = {
    "name": st.column_config.TextColumn("Competency"),
    "attempts": st.column_config.NumberColumn("Scored sessions"),
    "first": st.column_config.NumberColumn("First k (0–100)", format="%.0f"),
    "last": st.column_config.NumberColumn("Last k (0–100)", format="%.0f"),
    "k": st.column_config.NumberColumn("k"),
    "growth": st.column_config.NumberColumn("Change (points)", format="%+.0f"),
    "now": st.column_config.NumberColumn("Mean of the last five", format="%.0f"),
    "low": st.column_config.NumberColumn("95 % from", format="%.0f"),
    "high": st.column_config.NumberColumn("95 % to", format="%.0f"),
    "mastery": st.column_config.NumberColumn("Mastery level", format="%.0f"),
    "mastered": st.column_config.CheckboxColumn("Mastered"),
}
STRUGGLES = {
    "criterion": st.column_config.TextColumn("Criterion"),
    "rubric": st.column_config.TextColumn("Rubric"),
    "missed": st.column_config.NumberColumn("Missed"),
    "scored": st.column_config.NumberColumn("Scored"),
    "last_missed": st.column_config.DatetimeColumn("Last missed (UTC)", format="YYYY-MM-DD"),
    "met_last": st.column_config.CheckboxColumn("Met in the latest session"),
}
SESSIONS = {
    "started_at": st.column_config.DatetimeColumn("Started (UTC)", format="YYYY-MM-DD HH:mm"),
    "scenario": st.column_config.TextColumn("Scenario"),
    "attempt": st.column_config.NumberColumn("Attempt"),
    "score": st.column_config.NumberColumn("Score (0–100)", format="%.0f"),
    "passed": st.column_config.CheckboxColumn("Passed"),
    "session_id": st.column_config.TextColumn("Session"),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Learner", "Where does this person stand, and what should they practise next?")
    shell.needs(page, "learner_progress")
    chosen = pick(page)
    if chosen is None:
        shell.answer(place, "There is no learner to show.")
        shell.missing("Nobody practised in this selection.", "Choose all regions.")
        return
    thing = Thing.learner(page.edition.tenant, chosen, learner_queries.region_of(page.edition, chosen))
    shell.require("view_learner", thing)
    attempts = learner_queries.attempts(page.edition, chosen)
    progress = standing(page, chosen)
    struggles = learner_queries.struggles(page.edition, chosen)
    shell.answer(place, sentence(chosen, attempts, progress))
    if name := shell.named(thing):
        st.markdown(f"Learner: **{plain(name)}**")
    if progress.is_empty():
        shell.missing("No session of this learner was scored.", "Open the sessions below to see what is missing.")
    else:
        competencies(progress)
        advice(page, progress, attempts)
        memory(page, thing, struggles)
    history(page, attempts)


def pick(page: Page) -> str | None:
    """The learner in the address, else the one who practised last."""
    with st.grid(2, min_column_width=220, gap="small"):
        region = shell.region_filter(page, listing=True)
        rows = learner_queries.learners(page.edition, region, shell.reader_scope())
        labels = {
            row["learner_key"]: f"{learner(row['learner_key']).capitalize()} · {count(row['sessions'], 'session')}, "
            f"last on {day(row['last_day'])}"
            for row in rows.iter_rows(named=True)
        }
        if not labels:
            return None
        options = list(labels)
        linked = st.query_params.get(PICK)
        if linked and linked not in labels and learner_queries.attempts(page.edition, linked).height:
            options.insert(0, linked)
        return shell.choice("Learner", options, PICK, lambda key: labels.get(key, learner(key).capitalize()))


def standing(page: Page, chosen: str) -> pl.DataFrame:
    """Progress by competency, with the mean of the last sessions and its interval where there are three or more."""
    frame = learner_queries.progress(page.edition, chosen)
    now = {row["competency"]: row for row in learner_queries.recent(page.edition, chosen).iter_rows(named=True)}
    rows = []
    for row in frame.iter_rows(named=True):
        last = now.get(row["competency"], {"mean": None, "spread": None, "n": 0})
        low, high = limits(last)
        rows.append(row | {"name": page.names.competency(row["competency"]), "value": last["mean"], "lower": low,
                           "upper": high, "n": last["n"], "goal": row["mastery_level"]
                           if "mastery_level" in row else page.names.mastery.get(row["competency"])})  # fmt: skip
    added = {"name": pl.String, "value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "n": pl.Int64,
             "goal": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema={**frame.schema, **added}).sort("value", descending=True, nulls_last=True)


def limits(last: dict[str, Any]) -> tuple[float | None, float | None]:
    """The 95 % t interval of a mean of few scores; none below three."""
    if last["n"] < 3 or last["spread"] is None:
        return None, None
    return interval(last["mean"], last["spread"] / last["n"] ** 0.5, last["n"])


def sentence(chosen: str, attempts: pl.DataFrame, progress: pl.DataFrame) -> str:
    """The answer: how much practice, the strongest and the weakest competency with its interval."""
    scored = attempts.filter(pl.col("overall").is_not_null())
    text = (
        f"**{learner(chosen).capitalize()}** practised {count(attempts.height, 'time')}, last on "
        f"{day(attempts['started_at'][-1])}; {count(int(scored['passed'].sum() or 0))} of "
        f"{count(scored.height, 'scored session')} passed"
    )
    known = progress.filter(pl.col("value").is_not_null()) if progress.height else progress
    if known.is_empty():
        return text + "."
    best, least = known.row(0, named=True), known.row(-1, named=True)
    text += f". Strongest in **{best['name']}**: {told(best)}"
    return text + (f"; weakest in **{least['name']}**: {told(least)}." if known.height > 1 else ".")


def told(row: dict[str, Any]) -> str:
    """A competency's mean with its interval or, with few scores, how many there are."""
    if row["lower"] is None:
        return f"{points(row['value'])} points from {count(row['n'], 'score')}, too few for an interval"
    return estimate(100 * row["value"], 100 * row["lower"], 100 * row["upper"], "points")


def competencies(progress: pl.DataFrame) -> None:
    """Where the learner stands, competency by competency."""
    shell.section(
        "Strengths and gaps",
        f"Mean of the last {learner_queries.RECENT} sessions that judged each competency, with its 95 % interval from "
        "three sessions on; the mark is the mastery level. One person's scores scatter: an interval that reaches the "
        "mark is no proof either way.",
    )
    known = progress.filter(pl.col("value").is_not_null()).with_columns(n_learners=None)
    alt = "; ".join(f"{row['name']} {points(row['value'])}" for row in known.iter_rows(named=True))
    shell.chart(dots(known, POINTS), f"Dots with intervals, of 100 points: {alt}.", "learner-competencies")
    scaled = {"first": "first_mean", "last": "last_mean", "growth": "gain", "now": "value", "low": "lower",
              "high": "upper", "mastery": "goal"}  # fmt: skip
    shell.table(
        progress.with_columns(**{name: pl.col(column) * 100 for name, column in scaled.items()}),
        PROGRESS,
        "learner-progress",
    )


def advice(page: Page, progress: pl.DataFrame, attempts: pl.DataFrame) -> None:
    """What to practise next: the largest gaps, each with the scenario rehearsed least."""
    shell.section("Next practice", "The competencies furthest below mastery, and the scenario that rehearses each.")
    gaps = progress.filter(pl.col("goal").is_not_null() & (pl.col("value") < pl.col("goal"))).with_columns(
        gap=pl.col("goal") - pl.col("value")
    )
    if gaps.is_empty():
        st.markdown(
            "No competency with a mastery level is below it: try a harder scenario, or come back to keep it up."
        )
        return
    played = dict(attempts.group_by("scenario_id").len().iter_rows())
    for row in gaps.sort("gap", descending=True).head(GAPS).iter_rows(named=True):
        scenarios = sorted(page.names.practice.get(row["competency"], ()), key=lambda code: played.get(code, 0))
        where = f"practise **{page.names.scenario(scenarios[0])}**" if scenarios else "no scenario rehearses it yet"
        grown = "" if row["gain"] is None else f", {signed(row['gain'], 'points')} since the first attempts"
        st.markdown(f"- **{row['name']}** {points(row['value'])} of {points(row['goal'])}{grown}: {where}.")


def memory(page: Page, thing: Thing, struggles: pl.DataFrame) -> None:
    """What the learner missed, and whether they have met it since."""
    shell.section(
        "What they struggled with",
        "Criteria below their own minimum in any session, those still missed in the latest one first.",
    )
    if struggles.is_empty():
        st.markdown("Every criterion met its minimum in every scored session.")
    quoted = shell.may("read_transcript", thing)  # a comment may quote what was said
    for row in struggles.filter(~pl.col("met_last")).head(5).iter_rows(named=True):
        text = page.names.criterion(row["rubric_id"], row["rubric_version"], row["criterion_id"])
        comment = f" *{plain(row['comment'])}*" if row["comment"] and quoted else ""
        st.markdown(f"**{text.name}** missed in {row['missed']} of {count(row['scored'], 'session')}.{comment}")
        replay_link(row["session_id"], f"Replay {text.name.lower()} on {day(row['last_missed'])}")
    if struggles.height:
        named = struggles.with_columns(
            criterion=pl.struct("rubric_id", "rubric_version", "criterion_id").map_elements(
                lambda row: page.names.criterion(*row.values()).name, return_dtype=pl.String
            ),
            rubric=pl.col("rubric_id").map_elements(page.names.rubric, return_dtype=pl.String),
        )
        shell.table(named, STRUGGLES, "learner-struggles", label="All criteria missed: table and CSV")
    lines = learner_queries.crossed(page.edition, str(thing.learner_key))
    if lines.height:
        told = [f"{humanise(row['name'])} ({count(row['sessions'], 'session')})" for row in lines.iter_rows(named=True)]
        st.markdown(f"Guardrails triggered: {listing(told)}.")


def replay_link(session_id: str, label: str) -> None:
    """To the replay of one session."""
    shell.link("session_replay", label, icon=":material/play_circle:", query={"session": session_id})


def history(page: Page, attempts: pl.DataFrame) -> None:
    """Every session over time."""
    shell.section("Session by session", "Overall score of each scored session, by scenario.")
    named = attempts.with_columns(
        scenario=pl.col("scenario_id").map_elements(page.names.scenario, return_dtype=pl.String, skip_nulls=False),
        score=100 * pl.col("overall"),
    )
    scored = named.filter(pl.col("overall").is_not_null())
    if scored.height:
        none = pl.lit(None, pl.Float64)
        lines = scored.select(group="scenario", at="started_at", value="overall", lower=none, upper=none,
                              n_learners=pl.lit(None, pl.Int64))  # fmt: skip
        alt = (
            f"Lines by scenario: {count(scored.height, 'score')} from {day(scored['started_at'][0])} on; see the table."
        )
        shell.chart(curves(lines, POINTS, "", height=300), alt, "learner-history")
        latest = scored.row(-1, named=True)
        replay_link(latest["session_id"], f"Replay the latest session, {day(latest['started_at'])}")
    shell.table(
        named.sort("started_at", descending=True), SESSIONS, "learner-sessions", label="Sessions: table and CSV"
    )


if __name__ == "__main__":
    main()
