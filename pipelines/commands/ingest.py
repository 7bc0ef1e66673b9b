"""``rolecall ingest``: files into the inbox, the registries and raw."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from governance.settings import Settings
    from pipelines.intake import Tally
    from pipelines.recognise import Kind

SHOWN_REASONS = 3
MANY_FILES = 4
FIGURES = ("read", "accepted", "repeated", "refused", "withheld")


def ingest(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files, folders or globs", metavar="PATH")] = None,
    launches: Annotated[list[Path] | None, typer.Option(help="Launch registry: CSV, JSONL or Parquet")] = None,
    learners: Annotated[list[Path] | None, typer.Option(help="Learner directory: CSV, JSONL or Parquet")] = None,
    outcomes: Annotated[list[Path] | None, typer.Option(help="Outcomes: CSV, JSONL or Parquet")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose data; fills where a row names nobody")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, keep nothing")] = False,
) -> None:
    """Take engine deliveries, session bundles, launches, learners and outcomes.

    What a file is, is told by its content. Learners and launches go first, whatever the order given. A row that cannot
    be taken is refused with its reason and the others go on; the same file again changes nothing. A dry run reads
    and judges everything, without knowing what earlier ingests brought.
    """
    from governance.access import Thing
    from governance.access.log import EVERY_TENANT
    from pipelines import environment
    from pipelines.authority import permitted
    from pipelines.problems import Problem
    from pipelines.tenants import well_named

    well_named(tenant)
    settings = environment.prepare()
    if not dry_run:  # which leaves no state database either
        permitted(settings, "deliver", [Thing.page(EVERY_TENANT)], "ingest", quietly=True)  # a row may name any tenant
    files, foreign = gather(paths or [], launches or [], learners or [], outcomes or [])
    if not files:
        raise Problem("There is nothing to ingest", "Name files or folders: `rolecall ingest deliveries.jsonl`")
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="rolecall-") as folder:
            report(taken(_apart(settings, Path(folder)), files, tenant), foreign)
        typer.echo("Dry run: nothing was kept", err=True)
        return
    tallies = taken(settings, files, tenant)
    report(tallies, foreign)
    if all(tally.refused and tally.refused == tally.read for tally in tallies):
        raise Problem("Every row was refused", "Mend what the reasons above say, then ingest again")


def gather(
    paths: Sequence[Path], launches: Sequence[Path], learners: Sequence[Path], outcomes: Sequence[Path]
) -> tuple[list[tuple["Kind", Path]], list[Path]]:
    """Files with their kinds in the order they are taken; an option decides the kind of its own files."""
    from pipelines.recognise import Kind, files, ordered, sort

    told = {
        path.resolve(): kind
        for kind, named in ((Kind.learners, learners), (Kind.launches, launches), (Kind.outcomes, outcomes))
        for path, _ in files(named)
    }
    found, foreign = sort(paths)
    kinds = {path: kind for kind, path in found} | told
    return ordered(kinds), [path for path in foreign if path.resolve() not in told]


def taken(settings: "Settings", files: Sequence[tuple["Kind", Path]], tenant: str | None) -> list["Tally"]:
    """Ingest the files with progress on standard error."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    from pipelines.console import ERR
    from pipelines.intake import Desk, ingest

    desk = Desk.open(settings, tenant)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=ERR, transient=True) as bar:
        task = bar.add_task("ingest", total=len(files))

        def show(kind: "Kind", path: Path, rows: int) -> None:
            bar.update(task, description=f"{kind.value} {path.name}" + (f" {rows:,}" if rows else ""))

        tallies = []
        for tally in ingest(desk, files, show):
            tallies.append(tally)
            bar.advance(task)
    return tallies


def _apart(settings: "Settings", folder: Path) -> "Settings":
    """Settings of a throw-away home; the same policy, catalog and limits."""
    return settings.model_copy(update={"home": folder, "state_url": None, "dagster_dir": None})


def summary(tallies: Sequence["Tally"]) -> list[tuple[object, ...]]:
    """One line a file; many files of one kind in one folder (relays come one a session) share a line."""
    groups: dict[tuple[Path, str], list[Tally]] = {}
    for tally in tallies:
        groups.setdefault((tally.source.parent, tally.kind.value), []).append(tally)
    rows: list[tuple[object, ...]] = []
    for (folder, kind), group in groups.items():
        if len(group) > MANY_FILES:
            figures = [sum(getattr(tally, name) for tally in group) for name in FIGURES]
            rows.append((f"{folder.name}/ ({len(group)} files)", kind, *figures))
        else:
            rows += [(tally.source.name, kind, *(getattr(tally, name) for name in FIGURES)) for tally in group]
    return rows


def report(tallies: Sequence["Tally"], foreign: Sequence[Path]) -> None:
    """The summary: one line a file, then the first reasons with file and line."""
    from pipelines.console import OUT, table

    columns = ("file", "kind", *FIGURES)
    OUT.print(table(None, columns, summary(tallies)))
    for tally in tallies:
        for refusal in tally.refusals[:SHOWN_REASONS]:
            place = str(tally.source) if refusal.line is None else f"{tally.source}:{refusal.line}"
            OUT.print(f"{place}: {refusal.reason} ({refusal.rule})", markup=False)
        if len(tally.refusals) > SHOWN_REASONS:
            OUT.print(f"{tally.source}: {len(tally.refusals) - SHOWN_REASONS:,} more refused", markup=False)
    if foreign:
        OUT.print(f"Left alone: {', '.join(path.name for path in foreign)}", markup=False)
