"""Monthly reports through a route of their own: made by a button, served to whoever may take a report away."""

import re
from datetime import date, datetime

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from dashboards import shell
from dashboards.access import Reader, allowed, source, visitor
from dashboards.looks import note, note_refusal
from dashboards.reader import published_tenants
from dashboards.report.document import ReportError, report_path, write_report
from dashboards.report.month import months
from dashboards.shell import Page
from governance.access import Thing, authorize
from governance.settings import Settings

HEADERS = {"cache-control": "private, no-store"}
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def may_take(reader: Reader | None, tenant: str) -> bool:
    """Whether the reader may take a report of the whole tenant away: one of some regions would see too much."""
    whole = authorize(reader, "view_aggregates", Thing.cell(tenant, "*"))
    return allowed(reader, "export_report", tenant) and whole.allowed


def button(page: Page) -> None:
    """Choose a month, make its report, open it."""
    if not may_take(page.reader, page.edition.tenant):
        return
    shell.section("Monthly report", "The month's figures as a PDF; it is also written on the second of every month.")
    known = months(page.edition)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        month: date | None = st.selectbox(
            "Month", known, key="_report_month", format_func=lambda each: f"{each:%B %Y}", width=220
        )
        wanted = st.button("Make the report", key="_report", icon=":material/picture_as_pdf:")
    if month is None:
        return
    if wanted:
        try:
            with st.spinner("Drawing the report"):
                write_report(page.settings, page.edition.tenant, month, page.reader.name)
        except ReportError as error:
            st.error(f"{str(error)[:1].upper()}{str(error)[1:]}")
            return
    path = report_path(page.settings, page.edition.tenant, month)
    if path.is_file():
        made = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        st.markdown(
            f"[Open the report of {month:%B %Y}](/reports/{page.edition.tenant}/{month:%Y-%m}.pdf), made on "
            f"{made:%Y-%m-%d %H:%M}"
        )


def serve(request: Request) -> Response:
    """A report that was made, for a reader who may take it away; the download is in the access log."""
    settings = Settings()
    tenant, month = request.path_params["tenant"], request.path_params["month"]
    peer = request.client.host if request.client else None
    reader = visitor(settings, peer, request.headers)
    if reader is None or not may_take(reader, tenant):
        why = "nobody" if reader is None else "role"
        note_refusal(settings, reader, "export_report", why, source(peer, request.headers), f"reports/{month}", tenant)
        return PlainTextResponse("you may not take reports away", 403)
    if tenant not in published_tenants(settings.marts) or MONTH.fullmatch(month) is None:
        return PlainTextResponse("there is no such report", 404)
    path = report_path(settings, tenant, datetime.strptime(month, "%Y-%m").date())  # noqa: DTZ007 - a month has no zone
    if not path.is_file():
        return PlainTextResponse("this report has not been made yet", 404)
    thing = Thing.page(tenant)
    note(settings, set(), reader, "export_report", thing, authorize(reader, "export_report", thing), what=path.name)
    return FileResponse(path, media_type="application/pdf", filename=f"rolecall-{tenant}-{month}.pdf", headers=HEADERS,
                        content_disposition_type="inline")  # fmt: skip


ROUTES = [Route("/reports/{tenant}/{month}.pdf", serve)]
