"""Escalations: which lines were crossed, and is somebody on it?"""

from datetime import UTC, datetime

import polars as pl
import streamlit as st

from dashboards import forms, review_queries, session_queries, shell
from dashboards.access import state_of
from dashboards.wording import count
from governance.escalations import EscalationError, Escalations
from governance.escalations import Rules as CaseRules

COLUMNS = {
    "case_id": st.column_config.TextColumn("Case"),
    "state": st.column_config.TextColumn("State"),
    "severity": st.column_config.TextColumn("Severity"),
    "name": st.column_config.TextColumn("Line crossed"),
    "regulation": st.column_config.TextColumn("Regulation"),
    "session_id": st.column_config.TextColumn("Session"),
    "opened_at": st.column_config.DatetimeColumn("Opened (UTC)", format="YYYY-MM-DD HH:mm"),
    "due_at": st.column_config.DatetimeColumn("Due (UTC)", format="YYYY-MM-DD HH:mm"),
    "by": st.column_config.TextColumn("Last step by"),
    "note": st.column_config.TextColumn("Note"),
}

KIND = "case"


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Escalations", "Which lines were crossed, and is somebody on it?")
    escalations = Escalations(state_of(page.settings.database_url), CaseRules(), {})
    cases = escalations.frame(page.edition.tenant)
    scope = shell.reader_scope()
    if not scope.everything:  # a case of a session that has not been published yet waits until its region is known
        cases = cases.join(review_queries.visible(page.edition, scope), on="session_id", how="semi")
    active = cases.filter(pl.col("state") != "closed")
    late = active.filter(pl.col("due_at") < datetime.now(UTC)).height
    shell.answer(place, f"**{count(active.height, 'case')}** open, **{late:,}** past the due time.")
    if cases.is_empty():
        shell.missing(
            "There is no case.",
            "The gateway opens them by `config/escalations.yaml`; `rolecall ingest` opens none.",
        )
        return
    if active.height:
        _handle(escalations, active)
    forms.told()
    shell.section("Cases")
    shell.grid(cases, COLUMNS, "cases")


def _handle(escalations: Escalations, active: pl.DataFrame) -> None:
    page = shell.current_page()
    shell.section("Next step")
    rows = {row["case_id"]: row for row in active.iter_rows(named=True)}
    keys = {case: forms.key_of(KIND, case, row["changed_at"]) for case, row in rows.items()}
    if gone := forms.missed(KIND, keys):
        st.warning(f"Somebody else has handled case {gone} meanwhile. Nothing of yours was recorded.")
    forms.again(KIND, "case", keys)
    chosen = st.selectbox(
        "Case", list(rows), key="case",
        format_func=lambda case: f"{rows[case]['severity']} · {rows[case]['name']} · {rows[case]['session_id']}",
    )  # fmt: skip
    if chosen is None:
        return
    found = session_queries.session(page.edition, rows[chosen]["session_id"])
    thing = shell.case_thing(rows[chosen], found)
    if not shell.may("handle_case", thing):
        st.markdown("You may see this case, not handle it.")
        return
    if found is not None:
        shell.link("session_replay", "Open its replay", query={"session": str(found["session_id"])})
    forms.opened(KIND, chosen, keys[chosen])
    with st.form(keys[chosen]):
        note = st.text_area("What was done or found", key=f"{keys[chosen]}-note", help="It stands in the audit report")
        with st.container(horizontal=True):
            acknowledged = st.form_submit_button("Acknowledge")
            closed = st.form_submit_button("Close")
    if acknowledged or closed:
        step = "closed" if closed else "acknowledged"
        try:
            escalations.step(page.reader, thing, chosen, step, note)
        except EscalationError as error:
            st.error(f"Not taken: {error}.")
            return
        forms.tell(f"{rows[chosen]['name']} of {rows[chosen]['session_id']} is {step}.")


if __name__ == "__main__":
    main()
