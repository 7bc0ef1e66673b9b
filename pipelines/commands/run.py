"""``rolecall run``: raw to published, once."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from governance.settings import Settings
    from pipelines.run import Report


def run(
    tenant: Annotated[
        str | None, typer.Option(help="Refresh and publish this tenant's marts alone; raw and core hold all")
    ] = None,
    days: Annotated[str | None, typer.Option(help="Only days A..B (YYYY-MM-DD, both included)", metavar="A..B")] = None,
    full: Annotated[bool, typer.Option("--full", help="Rebuild every day, changed or not")] = False,
) -> None:
    """Bring everything up to date: inbox, raw, core, marts, checks, published marts.

    Only what changed is rebuilt; rows in quarantine go through the rules again where their day is rebuilt. When a
    blocking check fails, nothing is published and readers keep the last version.
    """
    from governance.access import Thing
    from governance.access.log import EVERY_TENANT
    from pipelines import environment
    from pipelines.authority import permitted
    from pipelines.tenants import well_named

    settings = environment.prepare()
    wanted, period = well_named(tenant), span(days)
    permitted(settings, "deliver", [Thing.page(wanted or EVERY_TENANT)], "run", quietly=True)
    show(executed(settings, tenant=wanted, days=period, full=full))


def span(text: str | None) -> tuple[date, date] | None:
    """``A..B`` as two days, ``A`` as one; raises ``typer.BadParameter``."""
    from pipelines.commands.simulate import day_of

    if text is None:
        return None
    first, _, last = text.partition("..")
    found = day_of(first, "--days"), day_of(last or first, "--days")
    if found[0] > found[1]:
        raise typer.BadParameter(f"{found[0]} lies after {found[1]}", param_hint="--days")
    return found


def executed(
    settings: "Settings", *, tenant: str | None = None, days: tuple[date, date] | None = None, full: bool = False
) -> "Report":
    """Run with progress on standard error; a failure is posted to the alert webhook before it is told."""
    from pipelines.console import ERR

    with ERR.status("Starting") as status:
        from pipelines.run import bring_up_to_date

        return bring_up_to_date(
            settings,
            tenant=tenant,
            days=days,
            full=full,
            progress=lambda step: status.update(f"Running: {step}"),
        )


def show(report: "Report") -> None:
    """The summary on standard output."""
    from pipelines.console import OUT

    if report.nothing_new:
        OUT.print(f"Nothing new: {report.sessions:,} sessions are published already ({report.seconds:.1f} s)")
        return
    OUT.print(
        f"{report.sessions:,} sessions: {report.good:,} good, {report.quarantined:,} in quarantine;"
        f" {report.withheld:,} signals withheld by policy"
    )
    rebuilt = "1 day" if report.days == 1 else f"{report.days:,} days"
    OUT.print(
        f"Rebuilt {rebuilt} in {report.seconds:.1f} s: {report.work_s:.1f} s of queries, checks and publishing,"
        f" {report.bookkeeping_s:.1f} s of Dagster's bookkeeping"
    )
    for tenant, version in report.published.items():
        OUT.print(f"Published {tenant}: {version}", markup=False)
