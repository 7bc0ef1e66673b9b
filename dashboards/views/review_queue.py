"""Review queue: which scores wait for a person, and what did people decide?"""

from typing import Any

import polars as pl
import streamlit as st

from dashboards import forms, review_queries, session_queries, shell
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
KIND = "review"
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
        _one(page, reviews, waiting.first, decided)
        forms.told()
        shell.section("Waiting", None if listed == waiting.total else f"The {listed:,} to look at first.")
        shell.grid(waiting.first, WAITING, "review-queue")
    else:
        forms.told()
        shell.missing(
            "Nothing waits.",
            "Failed and contested sessions appear here after `rolecall ingest` and `rolecall run`.",
        )
    if decided.height:
        shell.section("Decided", "The next `rolecall run` brings these into the figures, as states and new scores.")
        visible = decided.join(review_queries.visible(page.edition, shell.reader_scope()), on="session_id", how="semi")
        shell.grid(visible.sort("reviewed_at", descending=True), DECIDED, "reviews")


def _one(page: Page, reviews: Reviews, waiting: pl.DataFrame, decided: pl.DataFrame) -> None:
    """The form over one session that waits."""
    shell.section("Review")
    rows = {row["session_id"]: row for row in waiting.iter_rows(named=True)}
    said = dict(decided.group_by("session_id").agg(pl.col("seq").max()).iter_rows())
    keys = {
        session: forms.key_of(KIND, session, f"{row['revision']}-{said.get(session, 0)}")
        for session, row in rows.items()
    }
    if gone := forms.missed(KIND, keys):
        st.warning(f"{gone} was reviewed by somebody else, or scored anew, meanwhile. Nothing of yours was recorded.")
    forms.again(KIND, "review-session", keys)
    chosen = st.selectbox("Session", list(rows), key="review-session")
    if chosen is None:
        return
    row = rows[chosen]
    thing = shell.session_thing(row)
    if not shell.may("review", thing):
        st.markdown("You may see this session's score, not judge it.")
        return
    shell.link("session_replay", "Open its replay", query={"session": chosen})
    if row["contest"]:
        st.markdown("The learner contests the score; their reason is shown here.")
        st.text(row["contest"])
    forms.opened(KIND, chosen, keys[chosen])
    _form(page, reviews, row, keys[chosen])


def _form(page: Page, reviews: Reviews, row: dict[str, Any], key: str) -> None:
    criteria = session_queries.criteria(page.edition, row["session_id"]).filter(
        pl.all_horizontal(
            pl.col(name) == row[name] for name in ("rubric_id", "rubric_version", "scorer_id", "revision")
        )
    )
    scored = {each["criterion_id"]: each["score"] for each in criteria.iter_rows(named=True)}
    with st.form(key):
        verdict = st.radio(
            "Verdict", list(VERDICTS), format_func=VERDICTS.__getitem__, horizontal=True, key=f"{key}-verdict"
        )
        given = {
            each["criterion_id"]: st.number_input(
                f"{each['criterion_id']} ({each['score_min']:g} to {each['score_max']:g})", each["score_min"],
                each["score_max"], each["score"], 1.0, "%g", key=f"{key}-{each['criterion_id']}",
            )
            for each in criteria.iter_rows(named=True)
        }  # fmt: skip
        reason = st.text_area("Reason", key=f"{key}-reason", help="It stands in the audit report")
        if st.form_submit_button("Decide"):
            try:
                state = _decide(page, reviews, row, verdict, reason, adjustment(verdict, given, scored))
            except ReviewRefusedError as error:
                st.error(f"Not taken: {error}.")
                return
            told = "recorded; a second person has to agree" if state == "pending" else f"the score is {state}"
            forms.tell(f"{row['session_id']}: {told}.")


def adjustment(verdict: Any, given: dict[str, Any], scored: dict[str, Any]) -> dict[str, float] | None:
    """The new scores, for an adjustment alone.

    Raises:
        ReviewRefusedError: Scores and verdict contradict each other, and one of them is a slip.
    """
    changed = given != scored
    if verdict != "adjust" and changed:
        raise ReviewRefusedError("scores were changed, and only “Adjust it” keeps them; choose it, or set them back")
    if verdict == "adjust" and not changed:
        raise ReviewRefusedError("no score was changed; change one, or choose another verdict")
    return given if verdict == "adjust" else None


def _decide(
    page: Page, reviews: Reviews, row: dict[str, Any], verdict: Any, reason: str, adjusted: dict[str, float] | None
) -> str:
    return reviews.decide(
        page.reader, shell.session_thing(row), Subject.of(row), verdict, reason,
        adjusted=adjusted, before={"overall": row["overall"], "passed": row["passed"]},
        four_eyes=review_queries.needs_two(page.settings, row["scenario_id"]),
    )  # fmt: skip


if __name__ == "__main__":
    main()
