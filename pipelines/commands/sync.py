"""``rolecall sync``: deliver to other systems and fetch from them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from assets.exports.delivery import Delivered, Planned
    from governance.settings import Settings
    from pipelines.delivery import Options

app = typer.Typer(help="Deliver to other systems, and fetch from them.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Deliver to other systems, and fetch from them."""


@app.command()
def lrs(
    connector: Annotated[str | None, typer.Option(help="Only this destination; default: every enabled one")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant; default: every tenant")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing")] = False,
    lines: Annotated[
        Path | None, typer.Option(help="With --dry-run: folder that the very statements go to", file_okay=False)
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Send once more what was refused for good")] = False,
    recheck: Annotated[
        bool | None,
        typer.Option(
            "--recheck/--no-recheck", help="Look for everything acknowledged, or for nothing; default: a sample"
        ),
    ] = None,
) -> None:
    """Deliver xAPI statements to Learning Record Stores, each exactly once.

    Statements of changed days are issued first. A run that was stopped or killed goes on where it was; two at once do
    not send twice. What an LRS refuses is kept with its reason: `rolecall query "select * from sync_rejects"`.
    """
    from governance.access import Thing
    from governance.access.log import EVERY_TENANT
    from pipelines import environment
    from pipelines.authority import permitted
    from pipelines.console import ERR
    from pipelines.delivery import Options, chosen
    from pipelines.problems import Problem
    from pipelines.statements import issue
    from pipelines.tenants import well_named

    if lines is not None and not dry_run:
        raise typer.BadParameter("--lines belongs to --dry-run")
    given = Options(well_named(tenant), again, recheck)
    settings = environment.prepare()
    for name, destination in chosen(settings.config, connector):
        whose = (given.tenant,) if given.tenant else destination.tenants or (EVERY_TENANT,)
        permitted(settings, "deliver", [Thing.page(each) for each in whose], f"statements to {name}")
    if lines is not None:
        permitted(settings, "export_rows", [Thing.cell(given.tenant or EVERY_TENANT, "*")], f"statements to {lines}")
    environment.quiet()
    with ERR.status("Issuing statements") as status:
        issued = issue(settings, None, lambda step: status.update(f"Running: {step}"))
    if said := issued.sentence():
        ERR.print(said, markup=False)
    if dry_run:
        _preview(settings, connector, given, lines)
        return
    failed = _deliver(settings, connector, given)
    if failed:
        raise Problem(
            "; ".join(failed), "What was delivered stays delivered; run the command again once that is mended"
        )


def _preview(settings: "Settings", connector: str | None, given: "Options", lines: Path | None) -> None:
    from pipelines.console import OUT
    from pipelines.delivery import preview

    for name, planned in preview(settings, connector, given, lines).items():
        counts = planned.plan.counts
        OUT.print(
            f"{name}: {planned.statements.height:,} statements would be sent; {counts['unchanged']:,} are there,"
            f" {counts['waiting']:,} wait for their next try, {counts['refused']:,} were refused",
            markup=False,
        )
        if not planned.statements.is_empty():
            OUT.print(_due(planned))
        if lines is not None:
            OUT.print(f"{name}: written to {lines / f'{name}.jsonl'}", markup=False)


def _due(planned: "Planned") -> "Table":
    import polars as pl

    from pipelines.console import table

    found = (
        planned.statements.group_by("tenant", "kind")
        .agg(pl.len().alias("n"), pl.col("day").min().alias("first"), pl.col("day").max().alias("last"))
        .sort("tenant", "kind")
    )
    return table(None, ("tenant", "kind", "statements", "first day", "last day"), found.iter_rows())


def _deliver(settings: "Settings", connector: str | None, given: "Options") -> list[str]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from integrations.sync.sender import Progress as Say
    from pipelines.console import ERR, OUT
    from pipelines.delivery import send

    failed: list[str] = []
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=ERR, transient=True) as shown:

        def saying(name: str) -> Say:
            task = shown.add_task(name, total=None, note="")

            def say(done: int, total: int, note: str) -> None:
                shown.update(task, completed=done, total=total, note=note)

            return say

        for each in send(settings, connector, given, saying):
            if isinstance(each, tuple):
                failed.append(f"{each[0]}: {each[1]}")
                continue
            for line in _told(each):
                OUT.print(line, markup=False)
            if each.report is not None and each.report.stopped:
                failed.append(f"{each.name} stopped early: {each.report.stopped}")
    return failed


def _told(each: "Delivered") -> Iterator[str]:
    """What was done, a line a fact."""
    for note in each.planned.preflight.notes if each.planned.preflight else ():
        yield f"{each.name}: {note}"
    if each.lost:
        yield f"{each.name}: it had lost {each.lost:,} acknowledged statements; they were due again"
    counts = each.planned.plan.counts
    if each.report is None:
        yield (
            f"{each.name}: nothing to send; {counts['unchanged']:,} acknowledged, {counts['waiting']:,} waiting,"
            f" {counts['refused']:,} refused"
        )
        return
    done = each.report.counts
    yield (
        f"{each.name}: {done.acknowledged:,} delivered in {done.calls:,} calls and {each.report.seconds:.1f} s;"
        f" {done.refused:,} refused, {done.retry:,} to be tried again, {done.left:,} left"
    )
    if each.unidentified:
        yield f"{each.name}: {each.unidentified:,} people unknown to the destination stayed pseudonyms"


@app.command()
def crm(
    connector: Annotated[str | None, typer.Option(help="Only this connector; default: every enabled one")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask the CRM and say what would be written; fetch and write nothing")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, not only what changed")] = False,
    accept_deletes: Annotated[
        bool, typer.Option("--accept-deletes", help="Take missing records for deleted, however many they are")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write even where the cap on changes says no")] = False,
    unmatched: Annotated[
        bool, typer.Option("--unmatched", help="List the CRM's people whom no learner matches, and stop")
    ] = False,
) -> None:
    """Fetch deals, CSAT and people from CRMs, and write readiness back to people's records.

    Outcomes reach the marts with the next `rolecall run`. Nothing is fetched twice or written twice; what a CRM
    refuses is kept with its reason and tried again.
    """
    from pipelines import environment
    from pipelines.crm import chosen, office
    from pipelines.crm_report import Teller
    from pipelines.fetching import Options as CrmOptions
    from pipelines.fetching import permit
    from pipelines.problems import Problem

    settings = environment.prepare()
    given = CrmOptions(full, accept_deletes, force)
    wanted = chosen(settings, connector)
    permit(settings, wanted, unmatched=unmatched)
    with office(settings) as opened:
        teller = Teller(opened, given)
        step = teller.people if unmatched else teller.preview if dry_run else teller.sync
        for each in wanted:
            step(each)
    if teller.failed:
        raise Problem("; ".join(teller.failed), "What was fetched and written stays; run it again once that is mended")


@app.command()
def lms(
    connector: Annotated[str | None, typer.Option(help="Only this connector; default: every enabled one")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask the LMS and say what would be written; fetch and write nothing")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, not only what changed")] = False,
    accept_deletes: Annotated[
        bool, typer.Option("--accept-deletes", help="Take missing records for deleted, however many they are")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write even where the cap on changes says no")] = False,
    unmatched: Annotated[
        bool, typer.Option("--unmatched", help="List the LMS's people whom no learner matches, and stop")
    ] = False,
) -> None:
    """Fetch grades and completions from LMSs, and write scores into their gradebooks.

    Outcomes, and the comparison of every LMS score with our own sessions (`lms_reconciliation`), reach the marts with
    the next `rolecall run`. What an LMS refuses is kept with its reason and tried again.
    """
    from pipelines import environment
    from pipelines.fetching import Options as FetchOptions
    from pipelines.fetching import permit
    from pipelines.lms import chosen, teller
    from pipelines.problems import Problem

    settings = environment.prepare()
    wanted = chosen(settings, connector)
    permit(settings, wanted, unmatched=unmatched)
    with teller(settings, FetchOptions(full, accept_deletes, force)) as told:
        step = told.people if unmatched else told.preview if dry_run else told.sync
        for each in wanted:
            step(each)
    if told.failed:
        raise Problem("; ".join(told.failed), "What was fetched and written stays; run it again once that is mended")
