"""Audit reports: who rehearsed what, how it was scored, who reviewed it, as a signed file."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import streamlit as st

from dashboards import queries, shell
from dashboards.access import state_of
from dashboards.components.save import save
from dashboards.queries import ALL
from dashboards.shell import Page
from dashboards.wording import count, day
from governance.audit.bundle import pdf_of
from governance.audit.report.gather import NothingToReportError
from governance.audit.report.issue import Issued, RefusedError, issue
from governance.audit.report.render import as_csv, as_json, summary
from governance.audit.report.scope import ReportScope
from governance.audit.roots import read_roots, roots_file
from governance.catalog import CatalogError
from governance.privacy.retention import RetentionError

SHOWN = ("session_id", "role", "region", "started_at", "overall", "passed", "review_state", "retention_class")
ISSUED = "_issued_report"
COLUMNS = {
    "session_id": st.column_config.TextColumn("Session"),
    "learner": st.column_config.TextColumn("Learner"),
    "role": st.column_config.TextColumn("Role"),
    "region": st.column_config.TextColumn("Region"),
    "scenario": st.column_config.TextColumn("Scenario"),
    "started_at": st.column_config.TextColumn("Started"),
    "overall": st.column_config.NumberColumn("Score", format="percent"),
    "passed": st.column_config.CheckboxColumn("Passed"),
    "review_state": st.column_config.TextColumn("Review"),
    "reviewer": st.column_config.TextColumn("Reviewed by"),
    "rubric": st.column_config.TextColumn("Rubric"),
    "retention_class": st.column_config.TextColumn("Retention"),
    "holds": st.column_config.ListColumn("Legal holds"),
    "exceptions": st.column_config.ListColumn("Exceptions"),
}


def main() -> None:
    """Draw the page."""
    page = shell.current_page()
    place = shell.opening(
        "Audit reports", "Who rehearsed what, how was it scored, who reviewed it, and what proves it?"
    )
    known = queries.weeks(page.edition)
    if known is None:
        shell.no_practice()
    with st.form("report"):
        with st.grid(4, min_column_width=180, gap="small"):
            region, scenario = shell.cell_filters(page)
            # Streamlit's own date field has parts too small to hit (WCAG 2.5.8), so days are typed.
            first = st.text_input("From (YYYY-MM-DD)", str(known[0]), key="report-from")
            last = st.text_input("To, included (YYYY-MM-DD)", str(known[1] + timedelta(days=6)), key="report-to")
        names = st.checkbox("Put learners' names in; needs a reason", key="report-names")
        reason = st.text_input("Reason", key="report-reason", help="It stands in the report and in the access log")
        if st.form_submit_button("Make the report"):
            _make(page, scenario, first, last, region, names, reason)
    issued: Issued | None = st.session_state.get(ISSUED)
    if issued is None or issued.scope.tenant != page.edition.tenant or issued.user != page.reader:
        shell.answer(place, _standing(page))
        return
    shell.answer(place, summary(issued.report))
    _downloads(page, issued)
    shell.section("Sessions in the report")
    shell.grid(_frame(issued.report["sessions"]), COLUMNS, "audit-report")


def _make(page: Page, scenario: str, first: str, last: str, region: str, names: bool, reason: str) -> None:
    try:
        days = date.fromisoformat(first.strip()), date.fromisoformat(last.strip())
    except ValueError:
        st.error(f"No report was made: “{first}” and “{last}” must both be days such as 2026-09-30.")
        return
    if days[1] < days[0]:
        st.error(f"No report was made: the period ends on {days[1]}, before it begins on {days[0]}. Exchange the days.")
        return
    scope = ReportScope(
        page.edition.tenant, None if scenario == ALL else scenario, *days, None if region == ALL else region
    )
    try:
        st.session_state[ISSUED] = issue(
            page.settings, state_of(page.settings.database_url), page.reader, scope, reason=reason or None, names=names
        )
    except (RefusedError, NothingToReportError, CatalogError, RetentionError) as error:
        st.error(f"No report was made: {error}.")


def _standing(page: Page) -> str:
    """How the proofs stand."""
    roots = read_roots(roots_file(page.settings))
    if not roots or roots[-1][1] is None:
        return "The audit chain has **0 signed roots**; `rolecall run` writes the first."
    newest = roots[-1][1]
    at = datetime.fromisoformat(newest["at"]).astimezone(UTC)
    return (
        f"The audit chain holds **{count(newest['size'], 'event')}** under a root signed on {day(at)}, {at:%H:%M} UTC."
        " Choose what the report is about, then make it."
    )


def _downloads(page: Page, issued: Issued) -> None:
    name = f"audit-report-{issued.report['id']}"
    with st.container(horizontal=True):
        save("Download signed PDF", pdf_of(page.settings, issued), f"{name}.pdf", key="report-pdf")
        save("Download CSV", as_csv(issued.report), f"{name}.csv", key="report-csv")
        save("Download JSON", as_json(issued.report), f"{name}.json", key="report-json")
    st.markdown(
        "`rolecall audit verify FILE` checks the PDF anywhere; `rolecall audit bundle` adds rubrics and proofs."
    )


def _frozen(row: dict[str, Any]) -> list[str]:
    return [] if row["restriction"] is None else [f"restricted: {row['restriction']}"]


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                **{name: row[name] for name in SHOWN},
                "learner": row["learner_name"] or row["learner_key"],
                "scenario": f"{row['scenario_id'] or '–'} {row['scenario_version'] or ''}",
                "rubric": f"{row['rubric_id'] or '–'} {row['rubric_version'] or ''}",
                "reviewer": row["reviews"][-1]["by"] if row["reviews"] else None,
                "holds": [*(each["reason"] for each in row["legal_holds"]), *_frozen(row)],
                "exceptions": row["exceptions"],
            }
            for row in rows
        ],
        schema={
            "session_id": pl.String, "role": pl.String, "region": pl.String, "started_at": pl.String,
            "overall": pl.Float64, "passed": pl.Boolean, "review_state": pl.String, "retention_class": pl.String,
            "learner": pl.String, "scenario": pl.String, "rubric": pl.String, "reviewer": pl.String,
            "holds": pl.List(pl.String), "exceptions": pl.List(pl.String),
        },
    )  # fmt: skip


if __name__ == "__main__":
    main()
