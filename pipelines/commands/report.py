"""``rolecall report``: the monthly L&D report as a PDF."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from governance.settings import Settings


def report(
    month: Annotated[str | None, typer.Option(help="YYYY-MM; default: the month before this one")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose report; default: every tenant that has published")] = None,
) -> None:
    """Write the monthly report of each tenant below the exports, from what is published."""
    from governance.access import Thing
    from governance.settings import Settings
    from pipelines.authority import permitted
    from pipelines.console import OUT
    from pipelines.tenants import only_tenant, published

    settings = Settings()
    whose = [only_tenant(settings, tenant)] if tenant else published(settings) or [only_tenant(settings, None)]
    wanted = month_of(month)
    permitted(settings, "export_report", [Thing.cell(each, "*") for each in whose], f"monthly report {wanted:%Y-%m}")
    for each in whose:
        OUT.print(f"{each}: {written(settings, each, wanted)}")


def month_of(text: str | None) -> date:
    """The first day of the month given as YYYY-MM, or of the month before this one. Raises ``Problem``."""
    _hush_streamlit()
    from dashboards.report.month import month_before
    from pipelines.problems import Problem

    if text is None:
        return month_before(datetime.now(UTC).date())
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError as error:
        raise Problem(f"{text!r} is no month", "Write it as YYYY-MM, such as 2026-10") from error


def written(settings: "Settings", tenant: str, month: date) -> "Path":
    """Make one report and return its path."""
    _hush_streamlit()
    from dashboards.report.document import write_report

    return write_report(settings, tenant, month)


def _hush_streamlit() -> None:
    """Leave out its remarks on running without a server; before anything that uses it is loaded."""
    from streamlit.logger import set_log_level

    set_log_level("ERROR")
