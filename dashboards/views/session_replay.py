"""Session replay: what happened in this session, and what do its scores rest on?"""

from datetime import timedelta
from typing import Any

import polars as pl
import streamlit as st

from dashboards import masking, queries, replay, session_queries, shell
from dashboards import names as naming
from dashboards.access import state_of
from dashboards.components.player import player
from dashboards.figures.timeline import timeline
from dashboards.session_queries import Wanted
from dashboards.shell import Page
from dashboards.wording import clock, count, percent
from governance.access import Decision, Thing
from governance.evidence import NoEvidenceError, transcript
from governance.privacy.restrictions import Restrictions

RESULTS = {"any": "Any result", "passed": "Passed", "failed": "Failed", "unscored": "Not scored"}
CHOICE, SHOWN = "_session", "_session_shown"
AT = "_timeline_at"  # the mark of the timeline that was chosen last
SEEK = "_seek"  # (session, second, counter): the last wish of a button outside the player
TIMED = {
    "clock": st.column_config.TextColumn("At"),
    "what": st.column_config.TextColumn("Signal"),
    "label": st.column_config.TextColumn("Name"),
    "state": st.column_config.TextColumn("State"),
    "severity": st.column_config.TextColumn("Severity"),
    "regulation": st.column_config.TextColumn("Regulation"),
    "alignment": st.column_config.TextColumn("Timing"),
    "reason": st.column_config.TextColumn("Reason given"),
}
TURNS = {
    "clock": st.column_config.TextColumn("At"),
    "speaker": st.column_config.TextColumn("Speaker"),
    "text": st.column_config.TextColumn("Words", width="large"),
    "duration_s": st.column_config.NumberColumn("Seconds", format="%.1f"),
    "response_gap_s": st.column_config.NumberColumn("Gap before (s)", format="%.1f"),
    "interrupted": st.column_config.CheckboxColumn("Cut off"),
}


def filters(page: Page) -> Wanted:
    """What to list in the picker; stops where nothing is published."""
    known = queries.weeks(page.edition)
    if known is None:
        shell.missing(
            "The published marts hold no sessions.", "Ingest sessions with `rolecall ingest`, then run `rolecall run`."
        )
        st.stop()
    with st.grid(6, min_column_width=150, gap="small"):
        region, scenario = shell.cell_filters(page, listing=True)
        first, last = shell.week_filters(*known, page.defaults.weeks)
        result = st.selectbox(
            "Result", list(RESULTS), key="result", format_func=RESULTS.__getitem__, bind="query-params"
        )
        recorded = st.selectbox(
            "Recording", ["any", "recorded"], key="recording",
            format_func={"any": "With or without", "recorded": "With a recording"}.__getitem__, bind="query-params",
        )  # fmt: skip
    return Wanted(
        shell.reader_scope(), region, scenario, first, last + timedelta(days=6), result or "any", recorded == "recorded"
    )


def _remember() -> None:
    st.query_params["session"] = st.session_state[CHOICE]


def linked_session(page: Page, wanted: Wanted, listed: set[str]) -> str | None:
    """The session named in the address, unless the filters have since moved away from it."""
    linked = st.query_params.get("session")
    shown, filters_then = st.session_state.get(SHOWN, (None, None))
    if linked is None or (linked == shown and filters_then != wanted and linked not in listed):
        return None
    if linked not in listed and not _may_open(page, linked):
        shell.missing(f"There is no session {linked}.", "The link is old or belongs to another customer.")
        return None
    return linked


def _may_open(page: Page, session_id: str) -> bool:
    """Whether there is such a session and the reader may open it; whoever guesses does not learn which of the two."""
    row = session_queries.session(page.edition, session_id)
    thing = Thing.session(page.edition.tenant, session_id, None, None) if row is None else shell.session_thing(row)
    if row is None:
        shell.look("open_session", thing, Decision(False, "no_such_session"))
        return False
    return shell.may("open_session", thing)


def pick(page: Page, wanted: Wanted) -> str | None:
    """The session to show: the one in the address, else the newest that matches. A link wins over the filters."""
    listed = session_queries.found(page.edition, wanted)
    labels: dict[str, str] = {row["session_id"]: replay.label(row, page.names) for row in listed.iter_rows(named=True)}
    linked = linked_session(page, wanted, set(labels))
    if linked is not None and linked not in labels:
        labels = {linked: replay.label(session_queries.session(page.edition, linked) or {}, page.names), **labels}
    if not labels:
        shell.missing("No session matches these filters.", "Choose any result, all scenarios or other dates.")
        return None
    st.session_state[CHOICE] = linked or next(iter(labels))
    total = session_queries.found_count(page.edition, wanted)
    more = f"; the newest {session_queries.LISTED} are listed" if total > session_queries.LISTED else ""
    chosen = st.selectbox(
        f"Session ({count(total)} match{more})",
        list(labels),
        key=CHOICE,
        format_func=lambda item: labels.get(item) or str(item),
        on_change=_remember,
    )
    if chosen != st.query_params.get("session"):
        st.query_params["session"] = chosen  # so that the address can be sent to a colleague
    st.session_state[SHOWN] = (chosen, wanted)
    return chosen


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Session replay", "What happened in this session, and what do its scores rest on?")
    chosen = pick(page, filters(page))
    if chosen is None:
        shell.answer(place, "There is no session to show.")
        return
    found = session_queries.session(page.edition, chosen)
    if found is None:
        return
    thing = shell.session_thing(found)
    shell.require("open_session", thing)
    scores = session_queries.scores(page.edition, chosen)
    criteria = session_queries.criteria(page.edition, chosen)
    signals = session_queries.signals(page.edition, chosen)
    media = session_queries.media(page.edition, chosen)
    turns = words(page, found) if shell.may("read_transcript", thing) else None
    shell.answer(place, replay.sentence(found, scores, criteria, signals, page.names))
    if name := shell.named(thing):
        st.markdown(f"Learner: **{naming.plain(name)}**")
    if found["learner_key"] in Restrictions(state_of(page.settings.database_url)).standing(page.edition.tenant):
        st.warning("This learner's data is frozen: nothing about them is delivered (`rolecall privacy frozen`).")
    turns, criteria, signals = readable(page, thing, turns, criteria, signals)
    facts(found)
    recording(page, found, turns, criteria, media)
    if criteria.height or scores.height:
        scored(page, found, turns, scores, criteria)
    else:
        shell.section("Scores")
        shell.missing("This session has no scores.", replay.why_unscored(found))
    course(page, found, turns, signals, criteria)
    beside(page, found, criteria)
    provenance(page, found, scores, media)


def readable(
    page: Page, thing: Thing, turns: pl.DataFrame | None, criteria: pl.DataFrame, signals: pl.DataFrame
) -> tuple[pl.DataFrame | None, pl.DataFrame, pl.DataFrame]:
    """What was said, and what models wrote about it, masked unless the reader may see names; says what is masked."""
    asked = shell.names_decision(thing)
    if asked.allowed:
        return turns, criteria, signals
    reading = masking.scanner(page.settings, page.edition.tenant)
    criteria, in_comments = masking.masked(reading, criteria, ["comment"])
    signals, in_reasons = masking.masked(reading, signals, ["reason"])
    found = in_comments + in_reasons
    if turns is not None:
        turns, said = masking.masked(reading, turns, ["text"])
        found += said
    if note := masking.told(found, asked=asked.why == "reason_missing"):
        st.markdown(note)
    return turns, criteria, signals


def words(page: Page, found: dict[str, Any]) -> pl.DataFrame | None:
    """The session's turns, or ``None`` where the lake does not hold them."""
    try:
        return transcript(page.settings.lake, page.edition.tenant, found["session_id"], found["day"])
    except NoEvidenceError:
        return None


def facts(found: dict[str, Any]) -> None:
    """Pacing and extent in numbers with their units."""
    with st.grid(6, min_column_width=140, gap="small"):
        st.metric("Duration", clock(found["duration_s"]), help="Minutes and seconds from start to end", border=True)
        st.metric("Learner's talk share", percent(found["talk_share"]), border=True)
        st.metric("Median response gap", replay.seconds(found["response_gap_p50_s"]),
                  help="From the counterpart's end to the learner's start", border=True)  # fmt: skip
        st.metric("Longest monologue", replay.seconds(found["longest_monologue_s"]), border=True)
        st.metric("Learner interrupted", replay.times(found["interruptions_by_learner"]), border=True)
        st.metric("Was interrupted", replay.times(found["interruptions_by_counterpart"]), border=True)


def recording(
    page: Page, found: dict[str, Any], turns: pl.DataFrame | None, criteria: pl.DataFrame, media: pl.DataFrame
) -> None:
    """Video and transcript side by side; the transcript alone where there is no video."""
    shell.section("Recording and transcript")
    row = media.row(0, named=True) if media.height else None
    source = replay.source(page, found, row)
    if source is None:
        st.markdown(replay.why_silent(found, row))
    elif row is not None and row["status"] == "truncated":
        st.warning("The recording ends early; later lines have no picture.")
    if turns is None or turns.is_empty():
        shell.missing("There is no transcript of this session.", replay.why_wordless(found, turns))
        if source is None:
            return
    offset = (row or {}).get("offset_s") or 0.0 if source else 0.0
    lines = replay.lines(turns, criteria, page.names, offset)
    wish = st.session_state.get(SEEK)
    seek = (max(wish[1] + offset, 0.0), wish[2]) if wish and wish[0] == found["session_id"] else None
    player(lines, source, key=f"player-{found['session_id']}", seek=seek)


def _open(session_id: str) -> None:
    st.query_params["session"] = session_id


def _seek(session_id: str, second: float) -> None:
    last = st.session_state.get(SEEK)
    st.session_state[SEEK] = (session_id, second, last[2] + 1 if last else 1)


def scored(
    page: Page, found: dict[str, Any], turns: pl.DataFrame | None, scores: pl.DataFrame, criteria: pl.DataFrame
) -> None:
    """Every scorer's criteria with the level reached, what the scorer wrote, and the turns it cites."""
    starts = replay.starts(turns)
    for number, score in enumerate(scores.iter_rows(named=True)):
        title = "Scores" if number == 0 else f"Scores by {replay.scorer(score)}"
        shell.section(title, replay.score_sentence(score, page.names))
        rows = replay.criteria_of(criteria, score)
        with st.grid(2, min_column_width=330, gap="small"):
            for row in rows:
                with st.container(border=True, gap="small", height="stretch"):
                    criterion(page, found, row, starts, f"{number}-{row['criterion_id']}")
        shell.table(replay.criteria_table(rows, page.names), replay.CRITERIA_TABLE, f"criteria-{number + 1}")


def criterion(
    page: Page, found: dict[str, Any], row: dict[str, Any], starts: dict[int, float | None], key: str
) -> None:
    """One criterion: score, level descriptor, comment, and a button for each turn it rests on."""
    text = page.names.criterion(row["rubric_id"], row["rubric_version"], row["criterion_id"])
    st.markdown(replay.criterion_head(row, text))
    if descriptor := text.level(row["score"]):
        st.markdown(descriptor)
    if row["comment"]:
        st.markdown(f"*Scorer's comment:* {naming.plain(row['comment'])}")
    cited = [ordinal for ordinal in row["evidence_turns"] or [] if ordinal in starts]
    if not cited:
        st.markdown("The scorer cites no turn.")
        return
    with st.container(horizontal=True, gap="xsmall"):
        for ordinal in cited:
            start = starts[ordinal]
            where = clock(start) if start is not None else f"turn {ordinal + 1}"
            st.button(
                f"Go to {where}",
                key=f"cite-{key}-{ordinal}",
                help=f"Turn {ordinal + 1}, cited for {text.name}",
                on_click=_seek,
                args=(found["session_id"], start or 0.0),
                disabled=start is None,
            )


def course(
    page: Page, found: dict[str, Any], turns: pl.DataFrame | None, signals: pl.DataFrame, criteria: pl.DataFrame
) -> None:
    """Speech, evidence and signals on one time axis."""
    shell.section(
        "Course of the session",
        "Bars are speech. Stars are turns that a score cites, filled diamonds objectives that were reached; a "
        "guardrail is a triangle, a cross where it is of high or critical severity. Pacing marks pauses of three "
        "seconds and more before the learner answers, turns of the learner of 45 seconds and more, and turns cut off. "
        "Choose a mark or bar to go there.",
    )
    timed = turns if turns is not None else pl.DataFrame(schema=replay.TURN_SCHEMA)
    if timed["start_s"].null_count() == timed.height and signals["at_s"].null_count() == signals.height:
        shell.missing(
            "Nothing in this session carries a time.", "The engine sent no timing; the order is in the tables."
        )
    else:
        figure = timeline(timed, signals, replay.marks(criteria, page.names), found["duration_s"])
        chosen = shell.chart(figure, replay.timeline_alt(timed, signals, found), "timeline", choose=True)
        if chosen and st.session_state.get(AT) != (found["session_id"], chosen[0][0]):
            st.session_state[AT] = (found["session_id"], chosen[0][0])
            _seek(found["session_id"], float(chosen[0][0]))
            st.rerun()
    if signals.height:
        shell.table(replay.signal_table(signals), TIMED, "signals", label="Signals: table and CSV")
    if timed.height:
        shell.table(replay.turn_table(timed), TURNS, "turns", label="Turns: table and CSV")


def beside(page: Page, found: dict[str, Any], criteria: pl.DataFrame) -> None:
    """This attempt beside another one of the same learner at the same scenario: score, criteria and pace."""
    others = replay.other_attempts(page, found)
    if not others:
        return
    shell.section("Attempt beside attempt", "The same learner at the same scenario; what changed, and what did not.")
    labels = dict(others)
    options = list(labels)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        other = st.selectbox("Compare with", options, len(options) - 1, key="_beside", format_func=labels.__getitem__)
        other = other if other in labels else options[-1]
        st.button("Open that attempt", key="_open_other", on_click=_open, args=(other,))
    row = session_queries.session(page.edition, other)
    if row is None or not shell.may("open_session", shell.session_thing(row)):
        return
    theirs = session_queries.criteria(page.edition, other)
    scores = (session_queries.scores(page.edition, each) for each in (other, found["session_id"]))
    frame = replay.compared(page.names, (row, found), (theirs, criteria), tuple(scores))
    shell.grid(frame, replay.COMPARED, "attempts")


def provenance(page: Page, found: dict[str, Any], scores: pl.DataFrame, media: pl.DataFrame) -> None:
    """Where the session comes from, under which versions, and what is missing."""
    shell.section("Where this comes from")
    left, right = st.columns(2, gap="large")
    with left:
        st.table(replay.origin(found, scores, page.names), hide_header=True, border="horizontal")
    with right:
        attempts = replay.attempt_links(page, found)
        if attempts:
            st.markdown("**Other attempts of the same learner**")
            for label, session_id in attempts:
                st.button(label, key=f"attempt-{session_id}", type="tertiary", on_click=_open, args=(session_id,))
        for row in media.iter_rows(named=True):
            why = f" ({row['status_reason']})" if row["status_reason"] else ""
            st.markdown(
                f"{row['kind'].capitalize()}: {naming.MEDIA_STATUS.get(row['status'], row['status'])}{why}, "
                f"{clock(row['probed_duration_s'] or row['declared_duration_s'])} long"
            )


if __name__ == "__main__":
    main()
