"""``rolecall privacy``: legal holds, retention, and what people may ask for."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.audit import day_of
from pipelines.commands.query import Format

if TYPE_CHECKING:
    from governance.policy import SignalPolicy
    from pipelines.privacy import Desk, Outcome

ARTICLE_15 = "request of the data subject, GDPR Article 15"

app = typer.Typer(help="Show, erase, keep and hold what is stored about people.", no_args_is_help=True)

Learners = Annotated[list[str], typer.Argument(help="Learner ids, as in the directory", metavar="LEARNER")]
Tenant = Annotated[str | None, typer.Option(help="Customer; default: the only one")]
By = Annotated[str | None, typer.Option(help="Who decided; default: the user of this machine")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing")]


@app.callback()
def options() -> None:
    """Show, erase, keep and hold what is stored about people."""


@app.command()
def erase(
    learners: Learners,
    tenant: Tenant = None,
    by: By = None,
    dry_run: DryRun = False,
) -> None:
    """Forget learners: identity, sessions, transcripts, scores, statements, captions, outcomes, older versions.

    A legal hold or a legal retention keeps a session, and with it the learner's name; the answer says which and until
    when. What is erased is refused when it is delivered again.
    """
    _show(_erased(tuple(dict.fromkeys(learners)), tenant, by, dry_run), dry_run)


@app.command()
def access(
    learners: Learners,
    out: Annotated[Path, typer.Option(help="Folder for the answer: one folder a person", file_okay=False)],
    reason: Annotated[str, typer.Option(help="Why; it stands in the access log")] = ARTICLE_15,
    tenant: Tenant = None,
    by: By = None,
) -> None:
    """Write everything held about learners, for them to see: data.json and media.csv in a folder each.

    Identity, launches, sessions, words, scores, reviews, outcomes, statements, deliveries, holds and who looked, each
    with where it came from and how long it is kept. The request itself is an entry of the access log.
    """
    from pipelines.console import ERR, OUT
    from pipelines.privacy import desk
    from pipelines.subject_access import answer

    wanted = tuple(dict.fromkeys(learners))
    with ERR.status("Gathering"):
        answers = answer(desk(tenant, by, "subject access export"), wanted, out, reason)
    for each in answers:
        OUT.print(
            f"{each.learner_id}: {each.rows:,} rows in {each.parts:,} parts, {each.recordings:,} recordings, in"
            f" {each.folder}",
            markup=False,
        )


@app.command()
def retain(tenant: Tenant = None, by: By = None, dry_run: DryRun = False) -> None:
    """Remove sessions that have reached the end of their retention class (config/retention.yaml)."""
    _show(_erased((), tenant, by, dry_run), dry_run)


@app.command()
def hold(
    reason: Annotated[str, typer.Option(help="Why, such as the number of the case")],
    learner: Annotated[str | None, typer.Option(help="Learner id")] = None,
    scenario: Annotated[str | None, typer.Option(help="Scenario id")] = None,
    tenant: Tenant = None,
    by: By = None,
) -> None:
    """Put a legal hold on a learner, a scenario or a learner's sessions of a scenario."""
    from pipelines.console import OUT
    from pipelines.privacy import desk

    placed = desk(tenant, by, "legal hold").hold(learner, scenario, reason)
    OUT.print(f"Placed {placed}", markup=False)


@app.command()
def release(
    hold_id: Annotated[str, typer.Argument(help="Id of the hold, as `rolecall privacy holds` lists it")],
    tenant: Tenant = None,
    by: By = None,
) -> None:
    """End a legal hold; it stays on record."""
    from pipelines.console import OUT
    from pipelines.privacy import desk

    desk(tenant, by, "release of a legal hold").release(hold_id)
    OUT.print(f"Released {hold_id}", markup=False)


@app.command()
def holds(tenant: Tenant = None) -> None:
    """List legal holds, standing and released."""
    from pipelines.console import OUT, table
    from pipelines.privacy import desk

    frame = desk(tenant, None, "list of legal holds").holds().drop("tenant")
    OUT.print(table(None, frame.columns, frame.iter_rows()))


@app.command()
def freeze(
    learners: Learners,
    basis: Annotated[str, typer.Option(help="On what basis, such as: GDPR 18(1)(a), letter of 3 May")],
    tenant: Tenant = None,
    by: By = None,
) -> None:
    """Restrict the processing of learners (GDPR Article 18): their data is kept and goes nowhere.

    Nothing about them is delivered to an LRS, LMS or CRM, written into statement files or told to packages, and the
    end of retention does not remove it. Figures over groups still count them.
    """
    from pipelines.console import OUT
    from pipelines.privacy import desk

    wanted = tuple(dict.fromkeys(learners))
    desk(tenant, by, "restriction of processing").freeze(wanted, basis)
    OUT.print(f"Froze {', '.join(wanted)}", markup=False)


@app.command()
def unfreeze(
    learners: Learners,
    basis: Annotated[str, typer.Option(help="Why it ends, such as: verified, the learner was told on 9 May")],
    tenant: Tenant = None,
    by: By = None,
) -> None:
    """End a restriction of processing; it stays on record. What waited goes out with the next syncs."""
    from pipelines.console import OUT
    from pipelines.privacy import desk

    wanted = tuple(dict.fromkeys(learners))
    desk(tenant, by, "end of a restriction of processing").unfreeze(wanted, basis)
    OUT.print(f"Unfroze {', '.join(wanted)}", markup=False)


@app.command()
def frozen(tenant: Tenant = None) -> None:
    """List restrictions of processing, standing and lifted."""
    from pipelines.console import OUT, table
    from pipelines.privacy import desk

    frame = desk(tenant, None, "list of restrictions").frozen().drop("tenant")
    OUT.print(table(None, frame.columns, frame.iter_rows()))


@app.command()
def withheld(
    first: Annotated[str | None, typer.Option("--from", help="First day of receipt, UTC", metavar="YYYY-MM-DD")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day, included", metavar="YYYY-MM-DD")] = None,
    search: Annotated[bool, typer.Option("--search", help="Look in what is stored for what the policy denies")] = False,
    format: Annotated[Format, typer.Option(help="How to write the answer")] = Format.table,  # noqa: A002
    tenant: Tenant = None,
) -> None:
    """List what the signal gate withheld, by jurisdiction, policy version and signal class; counts, never values.

    With --search every stored delivery goes through the gate of today once more, and every text of core and statements
    is searched for hidden notes; exit code 1 where something is found.
    """
    from governance.policy import SignalPolicy
    from pipelines.commands.query import write
    from pipelines.privacy import desk
    from pipelines.withheld import summary

    counter = desk(tenant, None, "what the gate withheld")
    policy = SignalPolicy.load(counter.settings.config / "policy.yaml")
    since, until = (None if each is None else day_of(each) for each in (first, last))
    frame = summary(counter.state, counter.tenant, policy, since, until)
    write(frame.columns, frame.rows(), format)
    if search:
        _search(counter, policy)


class Line(StrEnum):
    """What a line of the scan's answer is about."""

    kind = "kind"
    session = "session"


@app.command()
def scan(
    first: Annotated[
        str | None, typer.Option("--from", help="First day of the sessions, UTC", metavar="YYYY-MM-DD")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day, included", metavar="YYYY-MM-DD")] = None,
    by: Annotated[Line, typer.Option(help="A line per kind, scenario and language, or per session")] = Line.kind,
    check: Annotated[bool, typer.Option("--check", help="Exit code 1 where something is found")] = False,
    format: Annotated[Format, typer.Option(help="How to write the answer")] = Format.table,  # noqa: A002
    tenant: Tenant = None,
) -> None:
    """Look in transcripts, comments and reasons for personal data that people said by chance; counts, never words.

    Names, addresses and ids of the tenant's directory, and whatever has the form of an e-mail address, card, bank
    account, phone, national or health id. Pages and bundles mask the same whenever they are read.
    """
    from pipelines import environment
    from pipelines.commands.query import write
    from pipelines.console import ERR
    from pipelines.personal_data import scan as look
    from pipelines.privacy import desk

    environment.quiet()
    since, until = (None if each is None else day_of(each) for each in (first, last))
    with ERR.status("Starting") as status:
        counter = desk(tenant, None, "scan of transcripts for personal data")
        done = look(counter, since, until, lambda step: status.update(f"Scanning {step}"))
    frame = done.by_session() if by is Line.session else done.by_kind()
    write(frame.columns, frame.rows(), format)
    holding = done.found["session_id"].n_unique()
    ERR.print(f"Read {done.texts:,} texts of {done.sessions:,} sessions; personal data in {holding:,} of them")
    if check and holding:
        raise typer.Exit(1)


def _search(counter: "Desk", policy: "SignalPolicy") -> None:
    from pipelines.console import ERR
    from pipelines.withheld import search

    with ERR.status("Searching") as status:
        found, looked = search(counter, policy, lambda table: status.update(f"Searching {table}"))
    for each in found:
        ERR.print(
            f"{each.table}: {each.rows:,} rows of {each.jurisdiction} hold {each.signal_class}, such as session"
            f" {each.example}; the policy {policy.version} denies it",
            markup=False,
        )
    ERR.print(f"Searched {looked:,} rows: {'nothing that the policy denies' if not found else 'see above'}")
    if found:
        raise typer.Exit(1)


def _erased(learners: tuple[str, ...], tenant: str | None, by: str | None, dry_run: bool) -> "Outcome":
    from pipelines import environment
    from pipelines.console import ERR
    from pipelines.privacy import desk

    environment.quiet()
    with ERR.status("Starting") as status:
        what = f"{'erasure' if learners else 'end of retention'}{', tried' if dry_run else ''}"
        return desk(tenant, by, what).erase(
            learners, dry_run=dry_run, progress=lambda step: status.update(f"Erasing: {step}")
        )


def _show(outcome: "Outcome", dry_run: bool) -> None:
    from pipelines.console import OUT

    for each in outcome.decided:
        until = f" until {each['until']}" if each["until"] else ""
        OUT.print(f"{each['sessions']:,} sessions {each['fate']}{until}: {each['basis']}", markup=False)
    if not outcome.decided:
        OUT.print("No sessions")
    if outcome.learners:
        verb = "would be forgotten" if dry_run else "forgotten"
        OUT.print(f"{outcome.whole_learners:,} of {outcome.learners:,} learners {verb} altogether")
    for name, count in sorted(outcome.removed.items()):
        if count:
            OUT.print(f"  removed from {name}: {count:,}", markup=False)
    for address in outcome.elsewhere:
        OUT.print(f"  kept by others, ask them to delete it: {address}", markup=False)
    if outcome.erasure_id is not None:
        OUT.print(f"Recorded as {outcome.erasure_id}", markup=False)
