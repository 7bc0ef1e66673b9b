"""Review queue: which scores wait for a person, and what did people decide?"""

from typing import Any

import polars as pl
import streamlit as st

from dashboards import review_queries, session_queries, shell
from dashboards.access import state_of
from dashboards.shell import Page
from dashboards.wording import count
from governance.reviews import ReviewRefusedError, Reviews, Subject

WAITING = {
    "session_id": st.column_config.TextColumn("Session"),
    "why": st.column_config.TextColumn("Waits because"),
    "scenario_id": st.column_config.TextColumn("Scenario"),
    "region": st.column_config.TextColumn("Region"),
    "started_at": st.column_config.DatetimeColumn("Started (UTC)", format="YYYY-MM-DD HH:mm"),
    "overall": st.column_config.NumberColumn("Score", format="percent"),
    "blockers_hit": st.column_config.ListColumn("Blockers missed"),
}
DECIDED = {
    "session_id": st.column_config.TextColumn("Session"),
    "state": st.column_config.TextColumn("State"),
    "reviewer": st.column_config.TextColumn("Reviewer"),
    "reason": st.column_config.TextColumn("Reason"),
    "reviewed_at": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm"),
    "by_two": st.column_config.CheckboxColumn("By two people"),
}
VERDICTS = {"accept": "Accept the score", "adjust": "Adjust it", "reject": "Reject it"}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Review queue", "Which scores wait for a person, and what did people decide?")
    reviews = Reviews(state_of(page.settings.database_url))
    decided, contested = reviews.frame(page.edition.tenant), reviews.contested(page.edition.tenant)
    waiting = review_queries.waiting(page.edition, shell.reader_scope(), decided, contested)
    shell.answer(
        place,
        f"**{count(waiting.total, 'session')}** {'waits' if waiting.total == 1 else 'wait'} for a review, "
        f"{waiting.contested:,} of them contested by the learner. A fail is final once a person has accepted it.",
    )
    if waiting.total:
        listed = waiting.first.height
        _one(page, reviews, waiting.first)
        shell.section("Waiting", None if listed == waiting.total else f"The {listed:,} to look at first.")
        shell.grid(waiting.first, WAITING, "review-queue")
    else:
        shell.missing(
            "Nothing waits.",
            "Failed and contested sessions appear here after `rolecall ingest` and `rolecall run`.",
        )
    if decided.height:
        shell.section("Decided", "The next `rolecall run` brings these into the figures, as states and new scores.")
        visible = decided.join(review_queries.visible(page.edition, shell.reader_scope()), on="session_id", how="semi")
        shell.grid(visible.sort("reviewed_at", descending=True), DECIDED, "reviews")


def _one(page: Page, reviews: Reviews, waiting: pl.DataFrame) -> None:
    """The form over one session that waits."""
    shell.section("Review")
    rows = {row["session_id"]: row for row in waiting.iter_rows(named=True)}
    chosen = st.selectbox("Session", list(rows), key="review-session")
    if chosen is None:
        return
    row = rows[chosen]
    thing = shell.session_thing(row)
    if not shell.may("review", thing):
        st.markdown("You may see this session's score, not judge it.")
        return
    st.page_link("views/session_replay.py", label="Open its replay", query_params={"session": chosen})
    if row["contest"]:
        st.markdown("The learner contests the score; their reason is shown here.")
        st.text(row["contest"])
    criteria = session_queries.criteria(page.edition, chosen).filter(
        pl.all_horizontal(
            pl.col(name) == row[name] for name in ("rubric_id", "rubric_version", "scorer_id", "revision")
        )
    )
    with st.form("review"):
        verdict = st.radio("Verdict", list(VERDICTS), format_func=VERDICTS.__getitem__, horizontal=True, key="verdict")
        adjusted = {
            each["criterion_id"]: st.number_input(
                f"{each['criterion_id']} ({each['score_min']:g} to {each['score_max']:g})", each["score_min"],
                each["score_max"], each["score"], key=f"adjust-{chosen}-{each['criterion_id']}",
            )
            for each in criteria.iter_rows(named=True)
        }  # fmt: skip
        reason = st.text_area("Reason", key="review-reason", help="It stands in the audit report")
        if st.form_submit_button("Decide"):
            _decide(page, reviews, row, verdict, reason, adjusted if verdict == "adjust" else None)


def _decide(
    page: Page, reviews: Reviews, row: dict[str, Any], verdict: Any, reason: str, adjusted: dict[str, float] | None
) -> None:
    four_eyes = review_queries.needs_two(page.settings, row["scenario_id"])
    before = {"overall": row["overall"], "passed": row["passed"]}
    try:
        state = reviews.decide(
            page.reader, shell.session_thing(row), Subject.of(row), verdict, reason,
            adjusted=adjusted, before=before, four_eyes=four_eyes,
        )  # fmt: skip
    except ReviewRefusedError as error:
        st.error(f"Not taken: {error}.")
        return
    st.success("Recorded; a second person has to agree." if state == "pending" else f"Recorded: the score is {state}.")


if __name__ == "__main__":
    main()
