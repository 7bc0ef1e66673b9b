"""Data health: can the figures be trusted today, and what is missing from them?"""

from datetime import UTC, datetime
from textwrap import wrap

import polars as pl
import streamlit as st

from dashboards import health_queries, shell
from dashboards.figures import health
from dashboards.names import COMPLETENESS, humanise
from dashboards.reader import manifest
from dashboards.shell import Page
from dashboards.wording import ago, count, listing, percent

STALE_HOURS = 26  # a daily run, and two hours of grace
TIME = st.column_config.DatetimeColumn
FRESHNESS = {
    "source": st.column_config.TextColumn("Source"),
    "newest": TIME("Newest arrival (UTC)", format="YYYY-MM-DD HH:mm"),
    "age": st.column_config.TextColumn("Age"),
    "rows": st.column_config.NumberColumn("Sessions or rows"),
}
DAYS = {
    "day": st.column_config.DateColumn("Day", format="YYYY-MM-DD"),
    "engine": st.column_config.TextColumn("Engine"),
    "sessions": st.column_config.NumberColumn("Sessions"),
    "complete": st.column_config.NumberColumn("Complete"),
    "complete_partial": st.column_config.NumberColumn("Part missing"),
    "open": st.column_config.NumberColumn("Open"),
    "unattributed": st.column_config.NumberColumn("No launch"),
    "scored": st.column_config.NumberColumn("Scored"),
    "missing_transcript": st.column_config.NumberColumn("No transcript"),
    "missing_scores": st.column_config.NumberColumn("No scores"),
    "missing_recording": st.column_config.NumberColumn("No recording"),
    "quarantined": st.column_config.NumberColumn("Quarantined rows"),
    "withheld_signals": st.column_config.NumberColumn("Withheld signals"),
    "test_sessions": st.column_config.NumberColumn("Tests"),
}
PARTS = {
    "part": st.column_config.TextColumn("Missing part"),
    "scenario": st.column_config.TextColumn("Scenario"),
    "sessions": st.column_config.NumberColumn("Sessions"),
    "remedy": st.column_config.TextColumn("How to mend it", width="large"),
}
REASONS = {
    "table": st.column_config.TextColumn("Table"),
    "reason": st.column_config.TextColumn("What is wrong and how to mend it", width="large"),
    "rows": st.column_config.NumberColumn("Rows"),
    "newest": TIME("Newest (UTC)", format="YYYY-MM-DD HH:mm"),
}
ROWS = {
    "day": st.column_config.DateColumn("Day", format="YYYY-MM-DD"),
    "table_name": st.column_config.TextColumn("Table"),
    "session_id": st.column_config.TextColumn("Session"),
    "broken_rules": st.column_config.ListColumn("Rules"),
    "raw_ref": st.column_config.TextColumn("Raw row"),
    "first_seen_at": TIME("Accepted (UTC)", format="YYYY-MM-DD HH:mm"),
}
BATCHES = {
    "opened_at": TIME("Read (UTC)", format="YYYY-MM-DD HH:mm"),
    "kind": st.column_config.TextColumn("Kind"),
    "source": st.column_config.TextColumn("Source"),
    "rows_read": st.column_config.NumberColumn("Read"),
    "accepted": st.column_config.NumberColumn("Accepted"),
    "repeated": st.column_config.NumberColumn("Repeated"),
    "refused": st.column_config.NumberColumn("Refused"),
    "withheld": st.column_config.NumberColumn("Withheld signals"),
}
WITHHELD = {
    "policy_version": st.column_config.TextColumn("Policy version"),
    "jurisdiction": st.column_config.TextColumn("Jurisdiction"),
    "sessions": st.column_config.NumberColumn("Sessions"),
    "withheld": st.column_config.NumberColumn("Withheld signals"),
}
REMEDIES = {
    "launch": "Post the launch to the gateway, or ingest a file of launches.",
    "end": "Wait for the shutdown event; after 15 minutes the verbose pull asks the engine.",
    "transcript": "Check the transcription callback of the persona; the verbose pull fetches what is there.",
    "scores": "Check the post-call tool of the persona and the rubric's mapping of its fields.",
    "recording": "Check the recording bucket's policy and the copy job; then run again.",
    "perception": "Nothing to mend where the policy denies it; otherwise check the persona's perception layer.",
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening("Data health", "Can today's figures be trusted, and what is missing from them?")
    now = datetime.now(UTC)
    days = health_queries.days(page.edition)
    reasons = health_queries.quarantine_summary(page.edition)
    shell.answer(place, sentence(page, days, reasons, now))
    tiles(days, reasons)
    freshness(page, now)
    completeness(days)
    missing(page)
    quarantine(page, reasons)
    batches(page)
    withheld(page)
    published(page, now)


def totals(days: pl.DataFrame) -> dict[str, int]:
    """Sums over all days and engines."""
    return {name: int(days[name].sum() or 0) for name, kind in days.schema.items() if kind.is_integer()}


def published_at(page: Page) -> datetime | None:
    """When the edition was published."""
    written = manifest(page.edition).get("created_at")
    return datetime.fromisoformat(written) if written else None


def sentence(page: Page, days: pl.DataFrame, reasons: pl.DataFrame, now: datetime) -> str:
    """The answer: how complete, how fresh, what to mend first."""
    if days.is_empty():
        return "No session has arrived yet. Ingest some with `rolecall ingest`, then run `rolecall run`."
    sums = totals(days)
    newest = days.filter(pl.col("last_received_at") <= now)["last_received_at"].max()
    text = f"**{percent(sums['complete'] / sums['sessions'], 1) if sums['sessions'] else '–'} complete:** "
    text += f"{count(sums['complete'])} of {count(sums['sessions'], 'session')} have every part"
    if sums["scored"] and sums["sessions"]:
        text += f", {percent(sums['scored'] / sums['sessions'], 1)} are scored"
    text += f"; the newest arrival is from {ago(newest, now)}" if isinstance(newest, datetime) else ""
    made = published_at(page)
    text += f", the figures from {ago(made, now)}" if made else ""
    bad = int(reasons["rows"].sum() or 0)
    text += f". {count(bad, 'row')} in quarantine." if bad else ". Nothing is in quarantine."
    if made and (now - made).total_seconds() > STALE_HOURS * 3600:
        text += " **The figures are more than a day old: run `rolecall run`, or check its schedule.**"
    return text


def tiles(days: pl.DataFrame, reasons: pl.DataFrame) -> None:
    """The state in numbers."""
    sums = totals(days)
    with st.grid(6, min_column_width=140, gap="small"):
        for name, value in (
            ("Sessions", sums["sessions"]),
            ("Complete", sums["complete"]),
            ("Part missing", sums["complete_partial"]),
            ("Still open", sums["open"]),
            ("Without a launch", sums["unattributed"]),
            ("Quarantined rows", int(reasons["rows"].sum() or 0)),
        ):
            st.metric(name, count(value), border=True)


def freshness(page: Page, now: datetime) -> None:
    """When each source last brought something."""
    shell.section("Freshness", "When each source last brought something, and how much it has brought in all.")
    frame = health_queries.freshness(page.edition)
    if frame.is_empty():
        shell.missing("No source has brought anything yet.", "Connect the engine or ingest a file.")
        return
    frame = frame.with_columns(
        age=pl.col("newest").map_elements(lambda then: ago(then, now), return_dtype=pl.String),
        source=pl.col("source").str.replace_all("_", " "),
    )
    shell.grid(frame, FRESHNESS, "freshness")


def completeness(days: pl.DataFrame) -> None:
    """Sessions by day and state."""
    shell.section("Sessions by day", "By the UTC day they started; test conversations are left out.")
    if days.is_empty():
        shell.missing("There are no sessions.", "Ingest some with `rolecall ingest`, then run `rolecall run`.")
        return
    sums = totals(days)
    alt = "Stacked bars by day: " + ", ".join(f"{count(sums[s])} {text}" for s, text in COMPLETENESS.items()) + "."
    shell.chart(health.completeness(days), alt, "completeness")
    shell.table(days.sort("day", descending=True), DAYS, "sessions-by-day")


def missing(page: Page) -> None:
    """Which parts are missing, where, and how to get them."""
    shell.section("Missing parts")
    frame = health_queries.missing_parts(page.edition)
    if frame.is_empty():
        st.markdown("No session lacks a part.")
        return
    frame = frame.with_columns(
        scenario=pl.col("scenario_id").map_elements(page.names.scenario, return_dtype=pl.String, skip_nulls=False),
        remedy=pl.col("part").replace_strict(REMEDIES, default="", return_dtype=pl.String),
        part=pl.col("part").map_elements(humanise, return_dtype=pl.String),
    )
    shell.grid(frame, PARTS, "missing-parts", wrapped=True)


def quarantine(page: Page, reasons: pl.DataFrame) -> None:
    """What was refused by a rule, why, and how to mend it."""
    shell.section(
        "Quarantine",
        "Rows that break a rule count nowhere. Mend the source or the catalog; the next run takes them in.",
    )
    if reasons.is_empty():
        st.markdown("Nothing is in quarantine.")
        return
    shell.grid(
        reasons.with_columns(table=pl.col("table_name").map_elements(humanise, return_dtype=pl.String)),
        REASONS,
        "quarantine-reasons",
        wrapped=True,
    )
    rows = health_queries.quarantine(page.edition)
    shell.table(rows, ROWS, "quarantine-rows", label=f"The rows ({count(rows.height)})")


def batches(page: Page) -> None:
    """Files read and gateway drains."""
    shell.section(
        "Ingest batches", "Read = accepted + repeated + refused. Refused lines keep their reason in the state."
    )
    frame = health_queries.batches(page.edition)
    if frame.is_empty():
        st.markdown("No batch is recorded for this customer.")
        return
    shell.grid(frame, BATCHES, "ingest-batches")


def withheld(page: Page) -> None:
    """What the gate dropped before the first write."""
    shell.section(
        "Withheld by the gate",
        "Signals that the policy does not allow are dropped before anything is written, and counted.",
    )
    frame = health_queries.withheld(page.edition)
    if frame.is_empty():
        st.markdown("No session has passed the gate yet.")
        return
    shell.grid(frame, WITHHELD, "withheld-signals")


def published(page: Page, now: datetime) -> None:
    """The edition that every page reads."""
    shell.section("Published version")
    facts = manifest(page.edition)
    made = published_at(page)
    rows = [
        ("Version", page.edition.id),
        ("Published", f"{made:%Y-%m-%d %H:%M} UTC, {ago(made, now)}" if made else "unknown: the manifest is missing"),
        ("SHA-256", " ".join(wrap(str(facts.get("sha256", "–")), 8))),  # in groups, so that a narrow page can break it
        ("Size", f"{facts['bytes'] / 1e6:.1f} MB" if "bytes" in facts else "–"),
        ("Days", " to ".join(str(day) for day in facts.get("days", [])) or "–"),
        ("Signal policies", listing([str(item) for item in facts.get("policy_versions", [])]) or "–"),
        (
            "Rubric versions",
            listing([str(item).replace(":", " v") for item in facts.get("rubric_versions", [])]) or "–",
        ),
        ("Minimum cell", f"{facts.get('minimum_cell', page.settings.minimum_cell)} learners"),
    ]
    st.table(pl.DataFrame(rows, schema=["what", "value"], orient="row"), hide_header=True, border="horizontal")
    contents = health_queries.contents(page.edition)
    columns = {
        "table": st.column_config.TextColumn("Table"),
        "rows": st.column_config.NumberColumn("Rows"),
    }
    shell.table(contents, columns, "published-tables", label="Published tables and their rows")


if __name__ == "__main__":
    main()
