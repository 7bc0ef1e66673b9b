"""Delivery: where did someone hesitate or look away? A flag to review beside the words, never a score."""

import json
from typing import Any

import polars as pl
import streamlit as st

from dashboards import delivery_queries, masking, replay, shell
from dashboards.names import humanise, plain
from dashboards.shell import Page
from dashboards.wording import clock, count, day, listing
from governance.evidence import NoEvidenceError, transcript
from governance.policy import PolicyError, SignalPolicy

CLASSES = ("voice", "gaze", "posture", "perception")  # what the configured queries of the perception layer fall under
BEFORE_S, AFTER_S = 12.0, 6.0  # words shown around a flag
TABLE = {
    "clock": st.column_config.TextColumn("At"),
    "flag": st.column_config.TextColumn("Flag"),
    "evidence": st.column_config.TextColumn("What the perception layer noted", width="large"),
    "words": st.column_config.TextColumn("Words around it", width="large"),
    "alignment": st.column_config.TextColumn("Timing"),
}
SESSIONS = {
    "started_at": st.column_config.DatetimeColumn("Started (UTC)", format="YYYY-MM-DD HH:mm"),
    "scenario": st.column_config.TextColumn("Scenario"),
    "jurisdiction": st.column_config.TextColumn("Jurisdiction"),
    "flags": st.column_config.NumberColumn("Flags"),
    "kinds": st.column_config.TextColumn("Which"),
    "session_id": st.column_config.TextColumn("Session"),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Delivery", "Where did someone hesitate or look away, and what was being said?")
    shell.needs(page, "sessions")
    try:
        policy = SignalPolicy.load(page.settings.config / "policy.yaml")
    except PolicyError as error:
        shell.answer(place, "Nothing is shown, because the signal policy cannot be read.")
        shell.missing("The signal policy is broken.", plain(str(error).splitlines()[0]))
        return
    known = delivery_queries.jurisdictions(page.edition)
    allowed = tuple(code for code in known if policy.allowed(code) & set(CLASSES))
    if not allowed:
        denied(place, policy, known)
        return
    region = shell.region_filter(page, listing=True)
    sessions = delivery_queries.flagged(page.edition, allowed, region, shell.reader_scope())
    if sessions.is_empty():
        shell.answer(place, f"0 sessions carry a flag. The policy allows perception in {listing(list(allowed))}.")
        shell.missing("No flag has arrived.", "Configure queries in the persona's perception layer and name the tools.")
        return
    st.markdown(
        "A flag invites a person to look at the moment; it is no finding about anybody, enters no score and is not "
        "added up by learner."
    )
    chosen = pick(page, sessions)
    shell.require("open_session", shell.session_thing(chosen))
    found = flags(page, chosen)
    shell.answer(place, sentence(chosen, found, sessions, policy))
    evidence(chosen, found)
    overview(page, sessions)


def denied(place: Any, policy: SignalPolicy, known: list[str]) -> None:
    """Nothing may be shown, and under which policy."""
    shell.answer(place, f"Nothing is shown: signal policy **{policy.version}** denies perception wherever people work.")
    where = listing(known) or "any jurisdiction"
    shell.missing(
        f"Voice, gaze and posture are denied in {where}.",
        "They are dropped before anything is written and counted on the Data health page. To allow them somewhere, "
        "have counsel approve it, then change `config/policy.yaml` together with its version and approver.",
    )


def pick(page: Page, sessions: pl.DataFrame) -> dict[str, Any]:
    """The session whose flags are shown."""
    rows = {row["session_id"]: row for row in sessions.iter_rows(named=True)}

    def shown(code: str) -> str:
        row = rows[code]
        when = f"{row['started_at']:%Y-%m-%d %H:%M}"
        return f"{when} · {page.names.scenario(row['scenario_id'])} · {count(row['flags'], 'flag')}"

    return rows[shell.choice("Session", list(rows), "session", shown)]


def flags(page: Page, chosen: dict[str, Any]) -> pl.DataFrame:
    """Each flag with what was noted and the words around it."""
    rows = delivery_queries.flags(page.edition, chosen["session_id"])
    turns = pl.DataFrame(schema=replay.TURN_SCHEMA)
    try:
        if shell.may("read_transcript", shell.session_thing(chosen)):
            turns = transcript(page.settings.lake, page.edition.tenant, chosen["session_id"], chosen["day"])
    except NoEvidenceError:
        pass  # the flags stand without words
    frame = pl.DataFrame(
        [
            {
                "clock": clock(row["at_s"]),
                "flag": humanise(row["name"] or "perception"),
                "evidence": noted(row),
                "words": words_around(turns, row["at_s"]),
                "alignment": row["alignment"] or "unknown",
            }
            for row in rows.iter_rows(named=True)
        ],
        schema=dict.fromkeys(TABLE, pl.String),
    )
    if shell.names_decision(shell.session_thing(chosen)).allowed:
        return frame
    return masking.masked(masking.scanner(page.settings, page.edition.tenant), frame, ["evidence", "words"])[0]


def noted(row: dict[str, Any]) -> str:
    """The evidence as the perception layer wrote it: its reason, or the texts among its arguments."""
    if row["reason"]:
        return str(row["reason"])
    try:
        found = json.loads(row["variables"] or "{}")
    except ValueError:
        return str(row["variables"])
    values = found.values() if isinstance(found, dict) else [found]
    return "; ".join(str(value) for value in values if isinstance(value, str | int | float))


def words_around(turns: pl.DataFrame, at_s: float | None) -> str:
    """Who said what around a moment."""
    if at_s is None:
        return ""
    near = turns.filter(
        (pl.col("start_s") <= at_s + AFTER_S)
        & (pl.col("start_s") + pl.col("duration_s").fill_null(0.0) >= at_s - BEFORE_S)
    )
    return " / ".join(f"{replay.SPEAKERS.get(s, s)}: {t}" for s, t in near.select("speaker", "text").iter_rows())


def sentence(chosen: dict[str, Any], found: pl.DataFrame, sessions: pl.DataFrame, policy: SignalPolicy) -> str:
    """The answer: how many flags, where, under which policy."""
    return (
        f"**{count(found.height, 'flag')}** in the session of {day(chosen['started_at'])}; "
        f"{count(sessions.height, 'session')} carry flags. Shown under signal policy {policy.version}, approved by "
        f"{plain(policy.approved_by)}, which allows it in {chosen['jurisdiction']}."
    )


def evidence(chosen: dict[str, Any], found: pl.DataFrame) -> None:
    """The flags of the session beside the words."""
    shell.section("Flags beside the words")
    shell.grid(found, TABLE, "delivery-flags", wrapped=True)
    shell.link(
        "session_replay", "Replay this session", icon=":material/play_circle:", query={"session": chosen["session_id"]}
    )


def overview(page: Page, sessions: pl.DataFrame) -> None:
    """Every session with a flag."""
    named = sessions.with_columns(
        scenario=pl.col("scenario_id").map_elements(page.names.scenario, return_dtype=pl.String, skip_nulls=False),
        kinds=pl.col("names").list.join(", "),
    )
    shell.table(named, SESSIONS, "delivery-sessions", label="Sessions with flags: table and CSV")


if __name__ == "__main__":
    main()
