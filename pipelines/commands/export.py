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


class Edition(StrEnum):
    """SCORM editions that packages are built in."""

    one = "1.2"
    two = "2004"


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
    from governance.access import Thing
    from governance.access.log import EVERY_TENANT
    from pipelines import environment
    from pipelines.authority import note, permitted
    from pipelines.commands.run import span
    from pipelines.console import ERR, OUT
    from pipelines.statements import event_of, export, issue
    from pipelines.tenants import well_named

    limits, wanted = span(days), well_named(tenant)
    settings = environment.prepare()
    what = f"xAPI statements {days or 'of all days'}, people as {destination or 'pseudonyms'}"
    operator = permitted(settings, "export_rows", [Thing.cell(wanted or EVERY_TENANT, "*")], what)
    environment.quiet()
    with ERR.status("Issuing statements") as status:
        issued = issue(settings, limits, lambda step: status.update(f"Running: {step}"))
        done = export(
            settings, out, tenant=wanted, days=limits, version=version.value if version else None,
            destination=destination, progress=lambda step: status.update(f"Writing: {step}"),
        )  # fmt: skip
        note(settings, [event_of(each, operator.name, destination) for each in done])
    OUT.print(f"{issued.new:,} statements issued now" if issued.new else "No new statements")
    if said := issued.sentence():
        ERR.print(said, markup=False)
    for each in done:
        OUT.print(
            f"{each.tenant}: {each.written.statements:,} statements in {len(each.written.lines):,} day files;"
            f" {each.in_force:,} in force, {each.voided:,} voided",
            markup=False,
        )
        if each.unidentified:
            OUT.print(f"{each.tenant}: {each.unidentified:,} people unknown to the destination stayed pseudonyms")
        OUT.print(f"{each.tenant}: for upload {each.written.archive} ({each.written.batches:,} bodies)", markup=False)


@app.command()
def scorm(
    out: Annotated[Path, typer.Option(help="The ZIP to write, or a folder for several")],
    destination: Annotated[str, typer.Option(help="The LMS: a file of config/destinations/, without .yaml")] = "demo",
    scenario: Annotated[str | None, typer.Option(help="Only this scenario; default: all of the destination")] = None,
    edition: Annotated[Edition | None, typer.Option(help="Only this edition; default: both")] = None,
) -> None:
    """Build SCORM packages: one ZIP a scenario and edition, each with a sheet of the LMS's settings beside it.

    A package is a page that shows the learner's scored result and reports it to the LMS; the result itself is fetched
    when it is opened. Equal input gives equal bytes.
    """
    _packages(out, destination, scenario, [edition.value] if edition else [each.value for each in Edition])


@app.command()
def cmi5(
    out: Annotated[Path, typer.Option(help="The ZIP to write, or a folder for several")],
    destination: Annotated[str, typer.Option(help="The LMS: a file of config/destinations/, without .yaml")] = "demo",
    scenario: Annotated[str | None, typer.Option(help="Only this scenario; default: all of the destination")] = None,
) -> None:
    """Build cmi5 courses: the same page as an assignable unit that reports to the LMS's LRS."""
    _packages(out, destination, scenario, ["cmi5"])


def _packages(out: Path, destination: str, scenario: str | None, kinds: list[str]) -> None:
    from datetime import UTC, datetime

    from integrations.scorm import destinations
    from pipelines import environment
    from pipelines.console import OUT
    from pipelines.packages import build, trusted

    settings = environment.prepare()
    trusted(settings, destination, f"packages for {destination}")
    for made in build(settings, destination, scenario, kinds, out, datetime.now(UTC)):
        export = made.export
        OUT.print(f"{made.path}: {export.scenario_id}, {export.edition}, sha1 {export.sha1}", markup=False)
        OUT.print(f"  settings for the LMS: {made.sheet}", markup=False)
    target = destinations.load(settings.config, destination)
    OUT.print(f"Learners' browsers must reach {target.base_url}: run `rolecall serve gateway` there", markup=False)
