"""My sessions: who looked at them, and does their learner agree with the scores?"""

from datetime import datetime
from typing import Any

import polars as pl
import streamlit as st

from dashboards import learner_queries, session_queries, shell
from dashboards.access import state_of
from dashboards.shell import Page
from dashboards.wording import count, day
from governance.access import Thing
from governance.access.log import LOG, AccessLog
from governance.reviews import ReviewRefusedError, Reviews

LOOKS = {
    "at": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm"),
    "who": st.column_config.TextColumn("Who"),
    "did": st.column_config.TextColumn("Did"),
    "object": st.column_config.TextColumn("Session or page"),
    "reason": st.column_config.TextColumn("Reason given"),
    "allowed": st.column_config.CheckboxColumn("Allowed"),
}
SCORES = {
    "started_at": st.column_config.DatetimeColumn("Started (UTC)", format="YYYY-MM-DD HH:mm"),
    "scenario": st.column_config.TextColumn("Scenario"),
    "score": st.column_config.NumberColumn("Score (0–100)", format="%.0f"),
    "passed": st.column_config.CheckboxColumn("Passed"),
    "review": st.column_config.TextColumn("Review"),
    "reason": st.column_config.TextColumn("Its reason"),
    "session_id": st.column_config.TextColumn("Session"),
}
DID = {
    "open_session": "opened the session",
    "read_transcript": "read what was said",
    "play_recording": "played the recording",
    "see_names": "looked up the name",
    "view_learner": "opened the learner's page",
    "review": "reviewed the score",
    "handle_case": "handled a case",
    "manage_privacy": "answered a request about stored data",
    "export_report": "wrote an audit report",
}
CONTESTED = "contested, waits for a person"
REVIEWS = {"session_id": pl.String, "review": pl.String, "reason": pl.String}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("My sessions", "Who looked at my sessions, and do I agree with how they were scored?")
    shell.needs(page)
    keys = mine(page)
    if not keys:
        shell.answer(place, "**0 sessions** here are yours: your login names no learner of this customer.")
        shell.missing(
            "No learner stands behind this reader.",
            "`config/access.yaml` says which claim of a login holds the learner id. On this machine, choose the role"
            " learner and an id under **Read as** at the foot.",
        )
        return
    looks, scores = looks_at(page, keys), scores_of(page, keys)
    shell.answer(place, sentence(looks, scores))
    shell.section("Who looked", "Everybody but yourself, refused attempts included; the log cannot be trimmed.")
    if looks.is_empty():
        st.markdown("Nobody but you has looked.")
    else:
        shell.grid(looks, LOOKS, "who-looked")
    shell.section("My scores")
    if scores.is_empty():
        st.markdown("None of your sessions has been published yet.")
        return
    shell.grid(scores, SCORES, "my-scores")
    contest(page, scores)


def mine(page: Page) -> list[str]:
    """The reader's own learner keys that they may see the log of."""
    tenant = page.edition.tenant
    things = [
        Thing.learner(tenant, key, learner_queries.region_of(page.edition, key)) for key in sorted(page.reader.own)
    ]
    return [str(thing.learner_key) for thing in things if shell.may("see_own_access", thing)]


def looks_at(page: Page, keys: list[str]) -> pl.DataFrame:
    """One row per look of somebody else, the latest first."""
    log = AccessLog(state_of(page.settings.database_url))
    found = [log.frame(page.edition.tenant, learner_key=key) for key in keys]
    rows = pl.concat([pl.DataFrame(schema=LOG), *found]).filter(pl.col("who") != page.reader.name)
    return rows.with_columns(did=pl.col("action").replace(DID)).sort("seq", descending=True)


def scores_of(page: Page, keys: list[str]) -> pl.DataFrame:
    """One row per session with its score and how its review stands, the latest first."""
    sessions = pl.concat([learner_queries.attempts(page.edition, key) for key in keys])
    named = [page.names.scenario(each) for each in sessions["scenario_id"]]
    stands = standing(page, Reviews(state_of(page.settings.database_url)))
    return (
        sessions.with_columns(scenario=pl.Series(named, dtype=pl.String), score=100 * pl.col("overall"))
        .join(stands, on="session_id", how="left")
        .sort("started_at", "session_id", descending=True)
    )


def standing(page: Page, reviews: Reviews) -> pl.DataFrame:
    """One row per session that was reviewed or contested; a contest after the last review counts."""
    tenant = page.edition.tenant
    decided = (
        reviews.frame(tenant).sort("seq").unique("session_id", keep="last").select("session_id", "state", "reason")
    )
    said = {session: (state, reason) for session, state, reason in decided.iter_rows()}
    said |= {session: (CONTESTED, reason) for session, reason in reviews.contested(tenant).items()}
    rows = [(session, state, reason) for session, (state, reason) in sorted(said.items())]
    return pl.DataFrame(rows, schema=REVIEWS, orient="row")


def sentence(looks: pl.DataFrame, scores: pl.DataFrame) -> str:
    """The answer: how many people looked, when last, and how many scores are contested."""
    seen = looks.filter(pl.col("allowed"))
    text = f"**{count(seen['who'].n_unique(), 'person', 'people')}** looked at your sessions"
    latest = seen["at"].max()
    if isinstance(latest, datetime):
        text += f", last on {day(latest)}"
    waiting = scores.filter(review=CONTESTED).height
    scored = scores.filter(pl.col("overall").is_not_null()).height
    return f"{text}. **{count(scored, 'score')}** of yours can be contested; {waiting:,} of them wait for a person."


def contest(page: Page, scores: pl.DataFrame) -> None:
    """The form that takes the learner's word against a score; it puts the session into the review queue."""
    rows = {row["session_id"]: row for row in scores.iter_rows(named=True) if row["overall"] is not None}
    if not rows:
        return
    shell.section(
        "Contest a score",
        "A person looks at the session and accepts, adjusts or rejects the score; the machine's score stays on record.",
    )
    chosen = st.selectbox("Session", list(rows), key="contest-session", format_func=lambda each: label(rows[each]))
    found = None if chosen is None else session_queries.session(page.edition, chosen)
    if chosen is None or found is None or not shell.may("contest", shell.session_thing(found)):
        return
    shell.link("session_replay", "Open its replay", query={"session": chosen})
    if rows[chosen]["review"] == CONTESTED:
        st.markdown("You contested this score; it waits in the review queue.")
        return
    with st.form(f"contest-{chosen}"):
        reason = st.text_area(
            "What is wrong with the score?", key=f"contest-reason-{chosen}", help="Reviewers and auditors read it"
        )
        if st.form_submit_button("Contest the score"):
            _send(page, found, reason)


def label(row: dict[str, Any]) -> str:
    """A session as the list of choices names it."""
    return f"{day(row['started_at'])} · {row['scenario']} · {row['score']:.0f} points"


def _send(page: Page, found: dict[str, Any], reason: str) -> None:
    try:
        Reviews(state_of(page.settings.database_url)).contest(page.reader, shell.session_thing(found), reason)
    except ReviewRefusedError as error:
        st.error(f"Not taken: {error}.")
        return
    st.rerun()


if __name__ == "__main__":
    main()
