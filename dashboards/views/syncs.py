"""Syncs: has everything arrived where it was sent, what was refused, and does an LMS hold what nobody scored?"""

from datetime import UTC, datetime

import polars as pl
import streamlit as st

from dashboards import lms_queries, shell
from dashboards.figures.deliveries import deliveries
from dashboards.mart_queries import mart
from dashboards.names import humanise, plain
from dashboards.shell import Page
from dashboards.wording import ago, count, listing, percent

KINDS = {"lrs": "LRS", "lms": "LMS", "crm": "CRM"}
STATES = ("acknowledged", "waiting", "unknown", "refused")
LISTED = 500
NUMBER = st.column_config.NumberColumn
TIME = st.column_config.DatetimeColumn
TARGETS = {
    "target": st.column_config.TextColumn("Target"),
    "what": st.column_config.TextColumn("Kind"),
    "acknowledged": NUMBER("Confirmed"),
    "waiting": NUMBER("Waiting", help="Refused for now, with a next try"),
    "unknown": NUMBER("Answer lost", help="The next run reads them back before it sends anything again"),
    "refused": NUMBER("Refused"),
    "erasures_open": NUMBER("Erasures open"),
    "last_run_status": st.column_config.TextColumn("Last run"),
    "last_run_at": TIME("Started (UTC)", format="YYYY-MM-DD HH:mm"),
    "last_done_at": TIME("Last complete run (UTC)", format="YYYY-MM-DD HH:mm"),
    "last_run_reason": st.column_config.TextColumn("Why it stopped", width="large"),
}
REASONS = {
    "target": st.column_config.TextColumn("Target"),
    "code": st.column_config.TextColumn("Code"),
    "reason": st.column_config.TextColumn("What the target said"),
    "records": NUMBER("Records"),
    "fate": st.column_config.TextColumn("What happens next"),
    "newest": TIME("Newest (UTC)", format="YYYY-MM-DD HH:mm"),
}
RECORDS = {
    "refused_at": TIME("When (UTC)", format="YYYY-MM-DD HH:mm"),
    "target": st.column_config.TextColumn("Target"),
    "record_key": st.column_config.TextColumn("Record"),
    "source": st.column_config.TextColumn("From"),
    "action": st.column_config.TextColumn("Action"),
    "code": st.column_config.TextColumn("Code"),
    "reason": st.column_config.TextColumn("Reason", width="large"),
    "attempt": NUMBER("Try"),
}
SEVERITIES = {"high": "high: possibly forged", "medium": "medium: somebody has to look", "low": "low: expected"}
CLASSES = {
    "no_session": "a grade without any scored session",
    "differs": "a score or a pass that no session has",
    "unissued": "an attempt with a result that was not issued so",
    "unmatched": "a person whom no learner matches",
    "stale": "the score of an earlier session",
    "not_in_lms": "scored here, no grade there yet",
    "matched": "agrees",
}
COMPARED = {
    "severity": st.column_config.TextColumn("Severity"),
    "connector": st.column_config.TextColumn("LMS"),
    "found": st.column_config.TextColumn("What the LMS holds"),
    "records": NUMBER("Records"),
    "since": TIME("Since (UTC)", format="YYYY-MM-DD HH:mm", help="When the oldest was graded there, or scored here"),
}
FINDINGS = {
    "severity": st.column_config.TextColumn("Severity"),
    "connector": st.column_config.TextColumn("LMS"),
    "learner_key": st.column_config.TextColumn("Learner"),
    "scenario": st.column_config.TextColumn("Scenario"),
    "lms_score": NUMBER("LMS score", format="percent"),
    "lms_passed": st.column_config.CheckboxColumn("Passed there"),
    "our_score": NUMBER("Our score", format="percent", help="Of the latest scored session"),
    "best_score": NUMBER("Our best score", format="percent"),
    "since": TIME("Since (UTC)", format="YYYY-MM-DD HH:mm", help="When it was graded there, or scored here"),
    "reason": st.column_config.TextColumn("What was found", width="large"),
    "session_id": st.column_config.TextColumn("Session"),
    "record": st.column_config.TextColumn("Record in the LMS"),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Syncs", "Has everything arrived where it was sent, and what was refused?")
    frame = mart(page.edition, "sync_health", {}, ("kind", "target"))
    held = lms_queries.tally(page.edition)
    if frame.is_empty() and held.is_empty():
        shell.answer(place, "0 targets: nothing has been delivered yet.")
        shell.missing(
            "No sync has run.",
            "Configure a connector below `config/connectors`, try `rolecall sync lrs --dry-run`, then run it without. "
            "Data comes in by `rolecall ingest`; the ledger is published with the next `rolecall run`.",
        )
        return
    now = datetime.now(UTC)
    shell.answer(place, " ".join(part for part in (sentence(frame, now), suspicion(held)) if part))
    if not frame.is_empty():
        troubles(frame, now)
    if not held.is_empty():
        gradebooks(page, held)
    if not frame.is_empty():
        targets(frame.with_columns(what=pl.col("kind").replace(KINDS)))
        rejects(mart(page.edition, "sync_rejects", {}, ("refused_at desc",)))


def targets(frame: pl.DataFrame) -> None:
    """Everything that was planned, by target."""
    shell.section("Records by target", "Everything that was planned for each target, by what the target said last.")
    alt = "; ".join(
        f"{row['target']}: {count(row['acknowledged'])} confirmed, {count(row['refused'])} refused"
        for row in frame.iter_rows(named=True)
    )
    shell.chart(deliveries(frame), f"Bars: {alt}.", "sync-targets")
    shell.grid(frame, TARGETS, "sync-targets")


def sentence(frame: pl.DataFrame, now: datetime) -> str:
    """The answer: how much is confirmed of what was planned, what is left, and how old it is."""
    if frame.is_empty():
        return "0 targets: nothing has been delivered yet."
    sums = {state: int(frame[state].sum() or 0) for state in STATES}
    planned = sum(sums.values())
    text = f"**{percent(sums['acknowledged'] / planned, 1) if planned else '–'} confirmed:** "
    text += f"{count(sums['acknowledged'])} of {count(planned, 'record')} at {count(frame.height, 'target')}"
    rest = [f"{count(sums[state])} {word}" for state, word in
            (("waiting", "wait for their next try"), ("unknown", "lost their answer"), ("refused", "were refused"))
            if sums[state]]  # fmt: skip
    text += f"; {listing(rest)}" if rest else "; nothing is left over"
    newest = frame["last_acknowledged_at"].max()
    return text + (f". The newest was confirmed {ago(newest, now)}." if isinstance(newest, datetime) else ".")


def suspicion(held: pl.DataFrame) -> str:
    """How many scores of LMSs no session explains; empty where no LMS is compared."""
    if held.is_empty():
        return ""
    high = held.filter(pl.col("severity") == "high")
    if high.is_empty():
        return "No score in an LMS looks forged."
    where = listing([plain(name) for name in high["connector"].unique().sort()])
    return f"**{count(int(high['records'].sum()), 'score')} in {where} may be forged.**"


def troubles(frame: pl.DataFrame, now: datetime) -> None:
    """What needs somebody: runs that failed, targets that pause, erasures without confirmation."""
    for row in frame.iter_rows(named=True):
        if row["last_run_status"] in ("failed", "stopped"):
            why = f": {plain(row['last_run_reason'])}" if row["last_run_reason"] else ""
            st.warning(f"The last run to {plain(row['target'])} {row['last_run_status']}{why}")
        if row["paused_until"] is not None and row["paused_until"] > now:
            st.info(f"{plain(row['target'])} asked to be left alone until {row['paused_until']:%Y-%m-%d %H:%M} UTC.")
        if row["erasures_open"]:
            st.warning(f"{plain(row['target'])} has not confirmed {count(row['erasures_open'], 'erasure')}.")


def gradebooks(page: Page, held: pl.DataFrame) -> None:
    """What each LMS holds against our own sessions: counts for everybody here, rows for who may list the learners."""
    shell.section(
        "Scores in your LMS",
        "Compared with our scored sessions at every run. A learner can write any score into an LMS from the browser; "
        "one that no session explains stands here as possibly forged.",
    )
    told = held.with_columns(severity=pl.col("severity").replace(SEVERITIES), found=pl.col("class").replace(CLASSES))
    shell.grid(told, COMPARED, "lms-comparison")
    rows = lms_queries.findings(page.edition, shell.reader_scope())
    if rows.is_empty() or not shell.may("list_sessions"):
        return
    named = rows.with_columns(scenario=pl.col("scenario_id").map_elements(page.names.scenario, return_dtype=pl.String))
    shell.table(named, FINDINGS, "lms-findings", label=f"The records ({count(rows.height)}): table and CSV")


def rejects(frame: pl.DataFrame) -> None:
    """What was refused, by reason, and the records."""
    shell.section("Refused", "What a target said no to. A refusal for good is sent again once its record changes.")
    if frame.is_empty():
        st.markdown("Nothing was refused.")
        return
    reasons = (
        frame.group_by("target", "code", "reason", "permanent")
        .agg(records=pl.col("record_key").n_unique(), newest=pl.col("refused_at").max())
        .with_columns(fate=pl.when("permanent").then(pl.lit("mend the record")).otherwise(pl.lit("tried again")))
        .sort("records", "target", "code", descending=[True, False, False])
    )
    shell.grid(reasons, REASONS, "sync-reasons", wrapped=True)
    records = frame.head(LISTED).with_columns(action=pl.col("action").map_elements(humanise, return_dtype=pl.String))
    shell.table(records, RECORDS, "sync-rejects", label=f"The records ({count(records.height)}): table and CSV")


if __name__ == "__main__":
    main()
