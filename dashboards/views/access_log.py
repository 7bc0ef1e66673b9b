"""Access log: who looked at whose sessions, why and from where?"""

from datetime import UTC, datetime, timedelta

import polars as pl
import streamlit as st

from dashboards import shell
from dashboards.access import state_of
from dashboards.wording import count
from governance.access.log import AccessLog

COLUMNS = {
    "at": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm:ss"),
    "who": st.column_config.TextColumn("Who"),
    "action": st.column_config.TextColumn("Did"),
    "allowed": st.column_config.CheckboxColumn("Allowed"),
    "why": st.column_config.TextColumn("Decision"),
    "object": st.column_config.TextColumn("Session or page"),
    "learner_key": st.column_config.TextColumn("Learner"),
    "what": st.column_config.TextColumn("What"),
    "reason": st.column_config.TextColumn("Reason given"),
    "source": st.column_config.TextColumn("From"),
    "policy_version": st.column_config.TextColumn("Policy"),
}
PERIODS = {1: "Last day", 7: "Last 7 days", 30: "Last 30 days", 365: "Last year"}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Access log", "Who looked at whose sessions, why, and from where?")
    with st.grid(4, min_column_width=180, gap="small"):
        days = st.selectbox("Period", list(PERIODS), 1, key="period", format_func=PERIODS.__getitem__)
        kind = st.selectbox("Decision", ["all", "allowed", "refused"], key="decision", format_func=str.capitalize)
    since = datetime.now(UTC) - timedelta(days=days)
    log = AccessLog(state_of(page.settings.database_url)).frame(page.edition.tenant, since=since)
    scope = shell.reader_scope()
    if not scope.everything:  # entries name no region: a bounded reader sees those that are about nobody
        log = log.filter(pl.col("learner_key").is_null())
        st.markdown("Looks at single learners are shown to readers whose scope holds all regions.")
    refused = log.filter(~pl.col("allowed"))
    people = log["who"].n_unique()
    told = f"**{count(log.height, 'entry', 'entries')}** by {count(people, 'person', 'people')} in the period, "
    shell.answer(place, f"{told}**{refused.height:,}** of them refused.")
    shown = {"all": log, "allowed": log.filter("allowed"), "refused": refused}[kind]
    if shown.is_empty():
        shell.missing("There is no such entry.", "Choose a longer period.")
        return
    shell.section(
        "Entries", "Each is an event of the audit chain; `rolecall audit verify` proves that none is missing."
    )
    shell.grid(shown, COLUMNS, "access-log")


if __name__ == "__main__":
    main()
