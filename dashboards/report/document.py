"""Draws the monthly report: figures by kaleido, pages by typst, the same bytes for the same edition and month."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import plotly.io

from dashboards.names import load_names
from dashboards.reader import Edition, current_edition, manifest
from dashboards.report.month import Figure, Report, heading, report_of
from dashboards.theme import BLUE, LETTERING
from governance.access.claims import operator_name
from governance.audit.chain import Event, record
from governance.project import Project, ProjectError
from governance.settings import Settings
from governance.state import State

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FONTS = "Noto Sans, Liberation Sans, DejaVu Sans, sans-serif"


class ReportError(Exception):
    """The report cannot be made; the text says why and how to mend it."""


def report_path(settings: Settings, tenant: str, month: date) -> Path:
    """Where a tenant's report of a month lies."""
    return settings.exports / "reports" / tenant / f"{month:%Y-%m}.pdf"


def write_report(settings: Settings, tenant: str, month: date, who: str | None = None) -> Path:
    """Make the report, put it in its place at once and note it in the audit chain; returns the path.

    ``who`` has it made: whoever runs this process, where nobody else is named.

    Raises:
        ReportError: nothing is published for the tenant, or no browser is there to draw the figures.
    """
    edition = current_edition(settings.marts, tenant)
    if edition is None:
        raise ReportError(f"nothing is published for {tenant}; run `rolecall run`")
    try:
        project = Project.load(settings.config)
    except ProjectError:
        project = Project()
    names = load_names(settings.config)
    report = report_of(edition, names, month, settings.minimum_cell)
    known = project.tenants.get(tenant)
    body = render(report, edition, month, project.title(tenant), known.accent if known and known.accent else BLUE)
    path = report_path(settings, tenant, month)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_bytes(body)
    facts = {"sha256": hashlib.sha256(body).hexdigest(), "edition": edition.id}
    event = Event("export", who or operator_name(), f"monthly-report/{month:%Y-%m}", tenant, facts=facts)
    with closing(State.open(settings.database_url)) as state:
        record(state, [event])  # first: no report lies there that left no event
    draft.replace(path)
    return path


def render(report: Report, edition: Edition, month: date, customer: str, accent: str) -> bytes:
    """The report as PDF/UA. Its date is that of the edition, so that the same figures give the same bytes."""
    import typst

    facts = manifest(edition)
    made = facts.get("created_at")
    published = datetime.fromisoformat(made) if made else datetime.fromtimestamp(0, UTC)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw(report.figures, root)
        template = root / "monthly.typ"
        template.write_bytes(files("dashboards.report").joinpath("monthly.typ").read_bytes())
        content = data(report, edition, month, customer, accent, published, facts)
        (root / "data.json").write_text(json.dumps(content), encoding="utf-8")
        try:
            second = published.replace(microsecond=0)  # a PDF's date knows no finer
            return typst.compile(template, root=root, timestamp=second, pdf_standards="ua-1")
        except typst.TypstError as error:
            raise ReportError(f"the report cannot be set: {error}") from error


def data(
    report: Report,
    edition: Edition,
    month: date,
    customer: str,
    accent: str,
    published: datetime,
    facts: dict[str, Any],
) -> dict[str, Any]:
    """What the template reads."""
    title, days = heading(month)
    return {
        "customer": customer,
        "accent": accent,
        "month": title,
        "days": days,
        "sentence": report.sentence,
        "tiles": report.tiles,
        "figures": [{"name": item.name, "alt": item.alt} for item in report.figures],
        "competencies": report.competencies,
        "moved": report.moved,
        "guardrails": report.guardrails,
        "sections": [{"title": name, "lines": lines} for name, lines in report.sections],
        "withheld": report.withheld,
        "edition": edition.id,
        "published": f"{published:%Y-%m-%d %H:%M} UTC",
        "sha256": str(facts.get("sha256", "unknown")),
    }


def draw(figures: Sequence[Figure], folder: Path) -> None:
    """Every figure as SVG, in one start of the browser.

    Raises:
        ReportError: there is no browser.
    """
    if not figures:
        return
    os.environ.setdefault("BROWSER_PATH", browser())
    for item in figures:
        item.drawing.update_layout(
            font={"family": FONTS, "size": 13, "color": LETTERING["light"]},
            paper_bgcolor="#FFFFFF",
        )
    paths: list[str | Path] = [folder / f"{item.name}.svg" for item in figures]
    plotly.io.write_images(
        [item.drawing for item in figures],
        paths,
        width=[item.width for item in figures],
        height=[item.height for item in figures],
    )


def browser() -> str:
    """The browser that draws the figures.

    Raises:
        ReportError: there is none.
    """
    given = os.environ.get("BROWSER_PATH")
    found = given or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not found:
        raise ReportError("figures need Chromium: `apt-get install chromium`, or set BROWSER_PATH to a browser")
    return found
