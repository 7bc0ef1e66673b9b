"""``rolecall export``: results as files that other systems take."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write results as files for other systems.", no_args_is_help=True)


class Version(StrEnum):
    """xAPI versions that statements are rendered in."""

    one = "1.0.3"
    two = "2.0"


@app.callback()
def options() -> None:
    """Write results as files for other systems."""


@app.command()
def xapi(
    out: Annotated[Path, typer.Option(help="Folder that the files go to", file_okay=False)],
    tenant: Annotated[str | None, typer.Option(help="Only this tenant; default: every tenant")] = None,
    days: Annotated[str | None, typer.Option(help="Only days A..B (YYYY-MM-DD, both included)", metavar="A..B")] = None,
    version: Annotated[
        Version | None, typer.Option(help="xAPI version; default: the destination's, else 1.0.3")
    ] = None,
    destination: Annotated[
        str | None, typer.Option(help="Identify people as config/connectors/NAME.yaml says; default: pseudonyms")
    ] = None,
) -> None:
    """Write xAPI statements: JSON lines a tenant and day, and a ZIP of ready POST bodies a tenant.

    Statements of changed days are issued first. A statement keeps its id and its bytes for good; one that no longer
    holds is followed by its voiding. Learners are pseudonyms unless a destination says otherwise.
    """
    from pipelines import environment
    from pipelines.commands.run import span
    from pipelines.console import ERR, OUT
    from pipelines.statements import export, issue
    from pipelines.tenants import well_named

    limits, wanted = span(days), well_named(tenant)
    settings = environment.prepare()
    environment.quiet()
    with ERR.status("Issuing statements") as status:
        issued = issue(settings, limits, lambda step: status.update(f"Running: {step}"))
        done = export(
            settings, out, tenant=wanted, days=limits, version=version.value if version else None,
            destination=destination, progress=lambda step: status.update(f"Writing: {step}"),
        )  # fmt: skip
    OUT.print(f"{issued:,} statements issued now" if issued else "No new statements")
    for each in done:
        OUT.print(
            f"{each.tenant}: {each.written.statements:,} statements in {len(each.written.lines):,} day files;"
            f" {each.in_force:,} in force, {each.voided:,} voided",
            markup=False,
        )
        if each.unidentified:
            OUT.print(f"{each.tenant}: {each.unidentified:,} people unknown to the destination stayed pseudonyms")
        OUT.print(f"{each.tenant}: for upload {each.written.archive} ({each.written.batches:,} bodies)", markup=False)
