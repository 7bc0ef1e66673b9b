"""``rolecall scorm``: what an administrator of packages does besides building them."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Packages in the field: check, revoke, identities, personal codes.", no_args_is_help=True)

DESTINATION = typer.Option(help="A file of config/destinations/, without .yaml")


@app.callback()
def options() -> None:
    """Packages in the field: check, revoke, identities, personal codes."""


@app.command()
def check(
    packages: Annotated[list[Path], typer.Argument(help="ZIP files of any tool", metavar="ZIP", dir_okay=False)],
) -> None:
    """Judge packages: safe to unpack, well-formed, valid against the schemas, complete."""
    from integrations.scorm.inspection import inspect
    from pipelines.console import OUT
    from pipelines.problems import Problem

    bad = 0
    for path in packages:
        found = inspect(path)
        kind = f"SCORM {found.edition}" if found.edition else "no SCORM package"
        OUT.print(f"{path}: {'good' if found.good else 'bad'}, {kind}, {found.files} files", markup=False)
        for problem in found.problems:
            OUT.print(f"  {problem}", markup=False)
        bad += not found.good
    if bad:
        raise Problem(f"{bad} of {len(packages)} packages cannot be used", "Mend what the lines above say")


@app.command()
def packages(
    destination: Annotated[str | None, typer.Option(help="Only this destination")] = None,
) -> None:
    """List the packages that were built, with the digests that LMSs report, and whether their tokens stand."""
    from pipelines import environment
    from pipelines.console import OUT, table
    from pipelines.packages import workshop

    with workshop(environment.prepare()) as shop:
        standing = {
            (each.destination, each.scenario_id, each.issue): each.revoked_at is None for each in shop.packages.issues()
        }
        rows = [
            (
                each.destination, each.scenario_id, each.scenario_version, each.edition, f"{each.built_at:%Y-%m-%d}",
                "stands" if standing.get((each.destination, each.scenario_id, each.token_issue)) else "revoked",
                each.sha1,
            )
            for each in shop.packages.exports(destination)
        ]  # fmt: skip
    columns = ["destination", "scenario", "version", "edition", "built", "token", "sha1"]
    OUT.print(table(None, columns, rows) if rows else "No package was built yet")


@app.command()
def revoke(
    destination: Annotated[str, DESTINATION],
    scenario: Annotated[str | None, typer.Option(help="Only the package of this scenario")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; kept in the register")] = None,
) -> None:
    """Revoke the tokens of a destination's packages: they show a plain message from now on and report nothing.

    Scores that the LMS has already stay there. The next build carries a new token.
    """
    from datetime import UTC, datetime

    from pipelines import environment
    from pipelines.console import OUT
    from pipelines.packages import trusted_to_revoke, workshop
    from pipelines.problems import Problem

    settings = environment.prepare()
    with workshop(settings) as shop:
        operator = trusted_to_revoke(settings, shop.packages, destination)
        done = shop.packages.revoke(destination, scenario, datetime.now(UTC), operator.name, reason)
    if not done:
        raise Problem(
            f"No token of {destination}{f' for {scenario}' if scenario else ''} stands", "See `rolecall scorm packages`"
        )
    OUT.print(f"{done} {'token' if done == 1 else 'tokens'} revoked")


@app.command()
def identities(
    file: Annotated[Path, typer.Argument(help="CSV or JSON lines with external_id and learner_id", dir_okay=False)],
    destination: Annotated[str, DESTINATION],
) -> None:
    """Say which learner an LMS's id belongs to; an id that changes hands ends the former holder's tokens."""
    from pipelines import environment
    from pipelines.console import OUT
    from pipelines.packages import record_map, trusted

    settings = environment.prepare()
    trusted(settings, destination, f"identities of {destination}")
    done = record_map(settings, destination, file)
    OUT.print(f"{done.new} new, {done.changed} changed, {done.same} known already")


@app.command()
def release(
    external_id: Annotated[str, typer.Argument(help="The learner's id in the LMS")],
    destination: Annotated[str, DESTINATION],
) -> None:
    """End the binding of an LMS's id: its tokens open nothing any more, and a new code has to be typed."""
    from datetime import UTC, datetime

    from integrations.scorm import destinations
    from pipelines import environment
    from pipelines.console import OUT
    from pipelines.packages import people, trusted
    from pipelines.problems import Problem

    settings = environment.prepare()
    trusted(settings, destination, f"release of an identity of {destination}")
    scheme = destinations.load(settings.config, destination).scheme
    with people(settings) as register:
        if not register.release(destination, scheme, external_id, datetime.now(UTC)):
            raise Problem(f"{destination} binds nobody to {external_id!r}", "Check the id as the LMS spells it")
    OUT.print("Released")


@app.command()
def codes(
    destination: Annotated[str, DESTINATION],
    learner: Annotated[list[str] | None, typer.Option(help="A learner id; may be given several times")] = None,
    learners: Annotated[Path | None, typer.Option(help="Text file, one learner id a line", dir_okay=False)] = None,
    days: Annotated[int, typer.Option(help="Days until the codes end", min=1, max=400)] = 90,
    out: Annotated[Path | None, typer.Option(help="CSV to write instead of showing the codes", dir_okay=False)] = None,
) -> None:
    """Make a personal code for each learner; earlier codes of the same learners end.

    Codes are shown once and kept as digests only. Hand each to its learner alone: it proves who types it.
    """
    import csv

    from pipelines import environment
    from pipelines.console import OUT, table
    from pipelines.packages import add_codes, trusted
    from pipelines.problems import Problem

    wanted = [*(learner or []), *(learners.read_text("utf-8").split("\n") if learners else [])]
    wanted = list(dict.fromkeys(each.strip() for each in wanted if each.strip()))
    if not wanted:
        raise Problem("No learner is named", "Give --learner or --learners")
    settings = environment.prepare()
    trusted(settings, destination, f"personal codes for {destination}")
    made = add_codes(settings, destination, wanted, days)
    if out is None:
        OUT.print(table(None, ["learner", "code"], made))
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        out.chmod(0o600)
        csv.writer(file).writerows([("learner_id", "code"), *made])
    OUT.print(f"{len(made)} codes in {out}", markup=False)
