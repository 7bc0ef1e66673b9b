"""``rolecall audit``: prove what happened."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from governance.audit.home import Verdict
    from governance.audit.report.issue import Issued
    from governance.settings import Settings
    from governance.state import State

app = typer.Typer(help="Reports and evidence for auditors, and their verification.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Reports and evidence for auditors, and their verification."""


SCENARIO = typer.Option(help="Only this scenario; default: all", metavar="ID")
FROM = typer.Option("--from", help="First day of the period, UTC", metavar="YYYY-MM-DD")
TO = typer.Option("--to", help="Last day of the period, included", metavar="YYYY-MM-DD")
REGION = typer.Option(help="Only this region; default: all")
TENANT = typer.Option(help="Whose sessions; default: the only tenant there is")
NAMES = typer.Option("--names", help="Put learners' names beside their pseudonyms; needs --reason")
REASON = typer.Option(help="Why the report is made; it stands in the report and in the access log")


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="File to write: .pdf, .csv or .json", dir_okay=False)],
    first: Annotated[str, FROM],
    last: Annotated[str, TO],
    scenario: Annotated[str | None, SCENARIO] = None,
    region: Annotated[str | None, REGION] = None,
    tenant: Annotated[str | None, TENANT] = None,
    names: Annotated[bool, NAMES] = False,
    reason: Annotated[str | None, REASON] = None,
) -> None:
    """Write an audit report: who rehearsed what, how it was scored, who reviewed it, signed.

    The PDF declares PDF/A-3a and UA-1, carries its data as JSON and CSV, and is signed by the installation's key.
    """
    from governance.audit.bundle import pdf_of
    from governance.audit.report.render import as_csv, as_json
    from pipelines.console import ERR, OUT
    from pipelines.problems import Problem

    kind = out.suffix.lower()
    if kind not in (".pdf", ".csv", ".json"):
        raise Problem(f"{out.name}: no format is known by {kind or 'no ending'}", "End the name in .pdf, .csv or .json")
    with ERR.status("Gathering"):
        settings, _, issued = _issue(tenant, scenario, first, last, region, names, reason, "report")
    with ERR.status("Writing"):
        data = pdf_of(settings, issued) if kind == ".pdf" else None
        text = as_csv if kind == ".csv" else as_json
        _write(out, data if data is not None else text(issued.report).encode())
    OUT.print(f"{out}: {len(issued.report['sessions']):,} sessions, report {issued.report['id']}", markup=False)


@app.command()
def bundle(
    out: Annotated[Path, typer.Option(help="ZIP file to write", dir_okay=False)],
    first: Annotated[str, FROM],
    last: Annotated[str, TO],
    scenario: Annotated[str | None, SCENARIO] = None,
    region: Annotated[str | None, REGION] = None,
    tenant: Annotated[str | None, TENANT] = None,
    names: Annotated[bool, NAMES] = False,
    transcripts: Annotated[bool, typer.Option("--transcripts", help="Add what was said")] = False,
    reason: Annotated[str | None, REASON] = None,
) -> None:
    """Write an evidence bundle: the report, its rows, rubrics, proofs and certificate as one BagIt ZIP.

    `rolecall audit verify FILE.zip` checks it with nothing but the file.
    """
    from governance.audit.bundle import write_bundle
    from pipelines.console import ERR, OUT

    with ERR.status("Gathering"):
        settings, state, issued = _issue(tenant, scenario, first, last, region, names, reason, "bundle")
    with ERR.status("Writing"):
        out.parent.mkdir(parents=True, exist_ok=True)
        write_bundle(settings, state, issued, out, transcripts=transcripts, reason=reason)
    OUT.print(f"{out}: {len(issued.report['sessions']):,} sessions, report {issued.report['id']}", markup=False)


def _issue(
    tenant: str | None, scenario: str | None, first: str, last: str, region: str | None, names: bool,
    reason: str | None, what: str,
) -> "tuple[Settings, State, Issued]":  # fmt: skip
    from governance.audit.report.issue import issue
    from governance.audit.report.scope import ReportScope
    from governance.settings import Settings
    from governance.state import State
    from pipelines.authority import local_operator
    from pipelines.problems import Problem
    from pipelines.tenants import only_tenant

    settings = Settings()
    scope = ReportScope(only_tenant(settings, tenant), scenario, day_of(first), day_of(last), region)
    if scope.last < scope.first:
        raise Problem(f"The period ends on {scope.last}, before it begins on {scope.first}", "Exchange --from and --to")
    state = State.open(settings.database_url)
    issued = issue(settings, state, local_operator(settings), scope, reason=reason, names=names, what=what)
    return settings, state, issued


def day_of(text: str) -> date:
    """A day of the command line. Raises ``Problem`` where it is none."""
    from pipelines.problems import Problem

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem(f"{text!r} is no day", "Write days as 2026-07-01") from None


def _write(out: Path, data: bytes) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.draft")
    draft.write_bytes(data)
    draft.replace(out)


@app.command()
def verify(
    path: Annotated[
        Path | None, typer.Argument(help="A report (PDF) or bundle (ZIP); without it this home is verified")
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option(
            help="PEM with the time-stamp authority's certificates, which every stamp of the file has to lead to",
            envvar="ROLECALL_TIMESTAMP_CERTIFICATE",
        ),
    ] = None,
) -> None:
    """Find and locate any edit, deletion, reordering or truncation; exit code 1 where there is one.

    A report or bundle needs nothing but the file: no home, no network. With `--authority` its time stamps also have
    to be that authority's.
    """
    from governance.access import Thing
    from governance.access.log import EVERY_TENANT
    from governance.audit.home import verify_home
    from governance.settings import Settings
    from governance.state import State
    from pipelines.authority import local_operator, permitted
    from pipelines.problems import Problem

    if path is None:
        settings = Settings() if authority is None else Settings(timestamp_certificate=authority)
        if settings.state_url is None and not (settings.home / "state.db").exists():
            raise Problem(f"There is no home at {settings.home}", "Set ROLECALL_HOME, or name the file to verify")
        mine = min(local_operator(settings).tenants or {EVERY_TENANT})  # what it says names nobody's content
        permitted(settings, "view_health", [Thing.page(mine)], "verification of the home", quietly=True)
        say(verify_home(settings, State.open(settings.database_url)), str(settings.home))
        return
    from governance.audit.files import verify_file
    from governance.audit.stamps import read_authority

    say(verify_file(path, () if authority is None else read_authority(authority)), path.name)


def say(verdict: "Verdict", what: str) -> None:
    """The verdict on the terminal; leaves with exit code 1 where something was altered."""
    from pipelines.console import OUT

    for note in verdict.notes:
        OUT.print(note, markup=False)
    for finding in verdict.findings:
        OUT.print(f"{finding.where}: {finding.what}", markup=False)
    looked = ", ".join(f"{count:,} {name}" for name, count in verdict.counts.items())
    if verdict.intact:
        OUT.print(f"{what}: intact ({looked})", markup=False)
        return
    count = len(verdict.findings)
    OUT.print(f"{what}: ALTERED, {count:,} {'finding' if count == 1 else 'findings'} ({looked})", markup=False)
    raise typer.Exit(1)
