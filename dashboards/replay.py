"""What the replay page says of a session: pure functions from its rows to lines, sentences and tables."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboards import session_queries
from dashboards.components.player import Line, Source
from dashboards.figures.timeline import Mark
from dashboards.media import NotPlayableError, link, recording_file, roots
from dashboards.names import COMPLETENESS, END_REASONS, SIGNAL_KINDS, CriterionText, Names, humanise, learner, plain
from dashboards.shell import Page, may, names_decision, session_thing
from dashboards.wording import clock, count, day, listing, points
from governance.evidence import SCHEMA as TURN_SCHEMA

PLAYABLE = ("available", "truncated")
SPEAKERS = {"learner": "Learner", "counterpart": "Counterpart"}
SCORERS = {"engine_llm": "the engine's model", "our_llm": "our model", "human": "a person"}
CRITERIA_TABLE = {
    "criterion": st.column_config.TextColumn("Criterion"),
    "competency": st.column_config.TextColumn("Competency"),
    "score": st.column_config.NumberColumn("Score"),
    "scale": st.column_config.TextColumn("Scale"),
    "minimum": st.column_config.NumberColumn("Minimum"),
    "met": st.column_config.CheckboxColumn("Minimum met"),
    "blocker": st.column_config.CheckboxColumn("Blocker"),
    "weight": st.column_config.NumberColumn("Weight"),
    "comment": st.column_config.TextColumn("Scorer's comment"),
}
PACE = (
    ("Minutes", "duration_s", 1 / 60, 1),
    ("Learner's talk share (%)", "talk_share", 100, 0),
    ("Median response gap (s)", "response_gap_p50_s", 1, 1),
    ("Longest monologue (s)", "longest_monologue_s", 1, 0),
    ("Learner interrupted", "interruptions_by_learner", 1, 0),
)
COMPARED = {
    "what": st.column_config.TextColumn("What"),
    "then": st.column_config.TextColumn("The other attempt"),
    "now": st.column_config.TextColumn("This attempt"),
    "change": st.column_config.TextColumn("Change"),
}
__all__ = ["TURN_SCHEMA"]


def seconds(value: float | None) -> str:
    """Seconds with one decimal."""
    return "–" if value is None else f"{value:.1f}\u00a0s"


def times(value: int | None) -> str:
    """How often."""
    return "–" if value is None else count(value, "time")


def verdict(passed: bool | None, overall: float | None) -> str:
    """Passed, failed or not scored, with the overall score."""
    if overall is None:
        return "not scored"
    word = {True: "passed", False: "failed", None: "no pass rule"}[passed]
    return f"{word}, {points(overall)} of 100"


def label(row: dict[str, Any], names: Names) -> str:
    """A session in the picker."""
    when = f"{row['started_at']:%Y-%m-%d %H:%M}"
    attempt = f" · attempt {row['attempt']}" if row["attempt"] is not None else ""
    result = f" · {verdict(row['passed'], row['overall'])}" if "overall" in row else ""
    extra = " · recording" if row.get("recorded") else ""
    test = " · test" if row["is_test"] else ""
    return (
        f"{when} · {names.scenario(row['scenario_id'])} · {learner(row['learner_key'])}{attempt}{result}{extra}{test}"
    )


def sentence(
    found: dict[str, Any], scores: pl.DataFrame, criteria: pl.DataFrame, signals: pl.DataFrame, names: Names
) -> str:
    """The answer: who rehearsed what, how it ended, how it was scored, and what tipped the scale."""
    who = learner(found["learner_key"]).capitalize()
    attempt = f"attempt {found['attempt']} at " if found["attempt"] is not None else ""
    ended = END_REASONS.get(found["end_reason"] or "", "end not known")
    text = (
        f"**{who}**, {attempt}**{names.scenario(found['scenario_id'])}** on {day(found['started_at'])}, "
        f"{clock(found['duration_s'])} minutes, {ended}. "
    )
    if scores.is_empty():
        return text + "It was not scored."
    first = scores.row(0, named=True)
    text += f"Result: **{verdict(first['passed'], first['overall'])}** points"
    text += reasons(first, criteria, names)
    triggered = signals.filter(pl.col("kind") == "guardrail")["name"].drop_nulls().unique().sort().to_list()
    if triggered:
        text += f" Guardrails triggered: {listing([humanise(name) for name in triggered])}."
    return text


def reasons(score: dict[str, Any], criteria: pl.DataFrame, names: Names) -> str:
    """Why a session failed, or its best criterion where it passed."""
    rows = criteria_of(criteria, score)

    def named(some: Sequence[dict[str, Any]]) -> str:
        return listing([names.criterion(r["rubric_id"], r["rubric_version"], r["criterion_id"]).name for r in some])

    hit = [row for row in rows if row["criterion_id"] in (score["blockers_hit"] or [])]
    if hit:
        return f", because a blocker was missed: {named(hit)}."
    below = [row for row in rows if not row["met"]]
    if score["passed"] is False:
        return f"; below the minimum: {named(below)}." if below else "; the overall score is below the pass mark."
    best = max(rows, key=lambda row: row["scaled"], default=None)
    return f"; strongest in {named([best])}." if best else "."


def criteria_of(criteria: pl.DataFrame, score: dict[str, Any]) -> list[dict[str, Any]]:
    """The criterion rows that belong to one session score."""
    keys = ("rubric_id", "rubric_version", "scorer_kind", "scorer_id", "scorer_version", "revision")
    return criteria.filter(*(pl.col(key) == score[key] for key in keys)).to_dicts()


def scorer(score: dict[str, Any]) -> str:
    """Who scored, in words."""
    return SCORERS.get(score["scorer_kind"], humanise(score["scorer_kind"]).lower())


def score_sentence(score: dict[str, Any], names: Names) -> str:
    """Rubric, scorer, versions and review state of one score."""
    version = "" if score["scorer_version"] == "unknown" else f" version {score['scorer_version']}"
    revision = f", revision {score['revision']}" if score["revision"] > 1 else ""
    review = "" if score["review_state"] == "not_required" else f" Review: {humanise(score['review_state']).lower()}."
    gap = score["criteria_expected"] - score["criteria_scored"]
    part = f" {count(gap, 'criterion', 'criteria')} of the rubric not scored." if gap > 0 else ""
    alien = " The rubric is not in the catalog; its scale is taken from the scores." if score["uncatalogued"] else ""
    return (
        f"{names.rubric(score['rubric_id'])}, rubric version {score['rubric_version']}, scored by {scorer(score)}"
        f" ({plain(score['scorer_id'])}{version}{revision}): {verdict(score['passed'], score['overall'])} points."
        f"{review}{part}{alien}"
    )


def criterion_head(row: dict[str, Any], text: CriterionText) -> str:
    """Name and score of a criterion, with what it means for passing."""
    head = f"**{text.name}** {row['score']:g} of {row['score_max']:g}"
    if row["score_min"] not in (0, 1):
        head += f" (scale from {row['score_min']:g})"
    if row["blocker"]:
        head += " · blocker" + ("" if row["met"] else ", **missed**")
    elif not row["met"]:
        head += " · **below the minimum**"
    return head


def criteria_table(rows: list[dict[str, Any]], names: Names) -> pl.DataFrame:
    """Criteria as a table."""
    texts = [names.criterion(row["rubric_id"], row["rubric_version"], row["criterion_id"]) for row in rows]
    return pl.DataFrame(
        {
            "criterion": [text.name for text in texts],
            "competency": [names.competency(row["competency"] or row["criterion_id"]) for row in rows],
            "score": [row["score"] for row in rows],
            "scale": [f"{row['score_min']:g} to {row['score_max']:g}" for row in rows],
            "minimum": [text.minimum for text in texts],
            "met": [row["met"] for row in rows],
            "blocker": [row["blocker"] for row in rows],
            "weight": [row["weight"] for row in rows],
            "comment": [row["comment"] for row in rows],
        },
        schema_overrides={"minimum": pl.Float64, "comment": pl.String},
    )


def starts(turns: pl.DataFrame | None) -> dict[int, float | None]:
    """Start of each turn by ordinal."""
    return {} if turns is None else dict(turns.select("ordinal", "start_s").iter_rows())


def marks(criteria: pl.DataFrame, names: Names) -> list[Mark]:
    """Which criterion cites which turn."""
    return [
        Mark(ordinal, names.criterion(row["rubric_id"], row["rubric_version"], row["criterion_id"]).name)
        for row in criteria.iter_rows(named=True)
        for ordinal in row["evidence_turns"] or []
    ]


def lines(turns: pl.DataFrame | None, criteria: pl.DataFrame, names: Names, offset: float) -> list[Line]:
    """The transcript for the player, in recording time; each line names the criteria that cite it."""
    if turns is None:
        return []
    notes: dict[int, list[str]] = {}
    for mark in marks(criteria, names):
        if mark.label not in notes.setdefault(mark.ordinal, []):
            notes[mark.ordinal].append(mark.label)
    return [
        Line(
            ordinal=row["ordinal"],
            speaker=SPEAKERS.get(row["speaker"]) or humanise(row["speaker"]),
            side=row["speaker"],
            clock=clock(row["start_s"]),
            text=row["text"],
            start=-1.0 if row["start_s"] is None else max(row["start_s"] + offset, 0.0),
            end=-1.0 if row["start_s"] is None else row["start_s"] + offset + (row["duration_s"] or 0.0),
            notes=(f"cited for {listing(notes[row['ordinal']])}",) if row["ordinal"] in notes else (),
        )
        for row in turns.iter_rows(named=True)
    ]


def source(page: Page, found: dict[str, Any], row: dict[str, Any] | None) -> Source | None:
    """The recording as the player wants it, where there is one that can be handed out."""
    if row is None or row["status"] not in PLAYABLE or not may("play_recording", session_thing(found), log=False):
        return None
    try:
        recording_file(row["uri"], roots(page.settings))
    except NotPlayableError:
        return None
    address = (page.settings, page.reader, page.edition, found["session_id"], row["uri"])
    in_full = names_decision(session_thing(found)).allowed
    return Source(
        src=link("recordings", *address),
        captions=link("captions", *address, in_full=in_full) if row["captions_path"] else "",
        kind="audio" if row["kind"] == "audio" else "video",
        language=found["language"] or "en",
        label=f"Recording of {page.names.scenario(found['scenario_id'])}, {day(found['started_at'])}",
    )


def why_silent(found: dict[str, Any], row: dict[str, Any] | None) -> str:
    """Why there is no picture."""
    if not may("play_recording", session_thing(found), log=False):
        return "Your role does not include recordings."
    if row is None:
        return "No recording was declared for this session; the transcript stands alone."
    if row["status"] in PLAYABLE:
        return (
            "The recording lies elsewhere and cannot be played here. Copy it below the home, or add its folder to "
            "`ROLECALL_RECORDING_ROOTS`. The transcript stands alone."
        )
    why = f": {plain(row['status_reason'])}" if row["status_reason"] else ""
    return f"The recording is {row['status'].replace('_', ' ')}{why}. The transcript stands alone."


def why_wordless(found: dict[str, Any], turns: pl.DataFrame | None) -> str:
    """Why there are no words, and how to get them."""
    if not may("read_transcript", session_thing(found), log=False):
        return "Your role does not include transcripts."
    if found["turn_count"] and turns is None:
        return "The lake no longer holds it: its retention has ended, or the lake lies elsewhere than the marts."
    if "transcript" in (found["missing_parts"] or []):
        return "The engine has not delivered it; once it arrives, `rolecall run` completes the session."
    return "Nobody spoke."


def why_unscored(found: dict[str, Any]) -> str:
    """Why there are no scores, and how to get them."""
    if not found["turn_count"]:
        return "There was no conversation to score."
    if found["completeness"] == "open":
        return "The session is still open; scores follow when the engine delivers them."
    return "The engine delivered none; check the post-call tool of the scenario's persona and its rubric mapping."


def timeline_alt(turns: pl.DataFrame, signals: pl.DataFrame, found: dict[str, Any]) -> str:
    """The timeline in a sentence."""
    guardrails = signals.filter(pl.col("kind") == "guardrail").height
    objectives = signals.filter(pl.col("kind") == "objective").height
    return (
        f"Timeline of {clock(found['duration_s'])} minutes: {count(turns.height, 'turn')}, "
        f"{count(objectives, 'objective event')}, {count(guardrails, 'guardrail event')}; the tables below list them."
    )


def signal_table(signals: pl.DataFrame) -> pl.DataFrame:
    """Signals as a table."""
    return signals.select(
        pl.col("at_s").map_elements(clock, return_dtype=pl.String, skip_nulls=False).alias("clock"),
        pl.col("kind").replace(SIGNAL_KINDS).alias("what"),
        pl.col("name").map_elements(humanise, return_dtype=pl.String).alias("label"),
        "state",
        "severity",
        "regulation",
        "alignment",
        "reason",
    )


def turn_table(turns: pl.DataFrame) -> pl.DataFrame:
    """Turns as a table."""
    return turns.with_columns(
        clock=pl.col("start_s").map_elements(clock, return_dtype=pl.String, skip_nulls=False),
        speaker=pl.col("speaker").replace(SPEAKERS),
    )


def origin(found: dict[str, Any], scores: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Completeness, versions and ids of a session."""
    lacking = listing(found["missing_parts"] or [])
    rubrics = [f"{names.rubric(row['rubric_id'])} v{row['rubric_version']}" for row in scores.iter_rows(named=True)]
    rows = [
        ("Completeness", COMPLETENESS[found["completeness"]] + (f": {lacking}" if lacking else "")),
        ("End reason", _pair(END_REASONS.get(found["end_reason"] or ""), found["end_reason_raw"])),
        ("Scenario version", _pair(found["scenario_version"], None if found["catalogued"] else "not in the catalog")),
        ("Rubric", listing(sorted(set(rubrics))) or "–"),
        ("Region, jurisdiction", f"{names.region(found['region'])}, {found['jurisdiction'] or 'unknown'}"),
        ("Practice", {True: "assigned", False: "free", None: "unknown"}[found["assigned"]]),
        ("Language", found["language"] or "unknown"),
        ("Signal policy", f"{found['policy_version']}, {count(found['withheld_signals'], 'signal')} withheld"),
        ("Engine configuration", found["config_hash"] or "–"),
        ("Session", found["session_id"]),
        ("Raw row", found["raw_ref"]),
    ]
    return pl.DataFrame(rows, schema=["what", "value"], orient="row")


def _pair(first: str | None, second: str | None) -> str:
    return f"{first or 'unknown'} ({second})" if second else first or "unknown"


def attempt_links(page: Page, found: dict[str, Any]) -> list[tuple[str, str]]:
    """The learner's other attempts at the scenario: what to show, and the session."""
    if found["learner_key"] is None or found["scenario_id"] is None:
        return []
    frame = session_queries.attempts(page.edition, found["learner_key"], found["scenario_id"])
    return [
        (
            f"Attempt {row['attempt'] or place}, {day(row['started_at'])}: {verdict(row['passed'], row['overall'])}",
            row["session_id"],
        )
        for place, row in enumerate(frame.iter_rows(named=True), start=1)
        if row["session_id"] != found["session_id"]
    ][-8:]


def other_attempts(page: Page, found: dict[str, Any]) -> list[tuple[str, str]]:
    """The learner's other attempts at the scenario, oldest first: the session and what to show."""
    return [(session_id, label) for label, session_id in attempt_links(page, found)]


def compared(
    names: Names,
    sessions: tuple[dict[str, Any], dict[str, Any]],
    criteria: tuple[pl.DataFrame, pl.DataFrame],
    scores: tuple[pl.DataFrame, ...],
) -> pl.DataFrame:
    """Two attempts line by line, the other one first: overall, each criterion of the first score, and the pace."""
    firsts = [frame.row(0, named=True) if frame.height else None for frame in scores]
    overall = [None if first is None else 100 * first["overall"] for first in firsts]
    rows = [_line("Score, of 100", overall[0], overall[1], 0)]
    by_criterion = [
        {} if first is None else {row["criterion_id"]: row for row in criteria_of(frame, first)}
        for frame, first in zip(criteria, firsts, strict=True)
    ]
    for code, row in by_criterion[1].items():
        earlier = by_criterion[0].get(code)
        text = names.criterion(row["rubric_id"], row["rubric_version"], code).name
        rows.append(_line(f"{text}, of {row['score_max']:g}", earlier["score"] if earlier else None, row["score"], 1))
    for label_, column, factor, digits in PACE:
        values = [None if each[column] is None else factor * each[column] for each in sessions]
        rows.append(_line(label_, values[0], values[1], digits))
    if all(firsts) and firsts[0]["rubric_version"] != firsts[1]["rubric_version"]:  # type: ignore[index]
        versions = [f"version {first['rubric_version']}" for first in firsts if first]
        rows.append({"what": "Rubric", "then": versions[0], "now": versions[1], "change": "not the same measure"})
    return pl.DataFrame(rows, schema=dict.fromkeys(COMPARED, pl.String))


def _line(what: str, then: float | None, now: float | None, digits: int) -> dict[str, str]:
    change = "–" if then is None or now is None else f"{now - then:+.{digits}f}".replace("-", "−")
    return {
        "what": what,
        "then": "–" if then is None else f"{then:.{digits}f}",
        "now": "–" if now is None else f"{now:.{digits}f}",
        "change": change,
    }
