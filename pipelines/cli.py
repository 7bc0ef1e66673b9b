"""The command line, ``rolecall``: names the commands and turns failures into one clear line.

Every command lives in ``pipelines/commands``; what it needs is imported when it runs, so that ``--help`` is quick.
Exit codes: 0 done, 1 failed, 2 wrong usage.
"""

import os
import sys
from typing import Annotated

import typer

from pipelines.commands import (
    audit,
    demo,
    doctor,
    export,
    ingest,
    privacy,
    query,
    report,
    run,
    scorm,
    serve,
    simulate,
    sync,
)

app = typer.Typer(
    name="rolecall",
    help="Turn AI role-play sessions into evidence: load them, judge them, publish them, show them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (simulate.simulate, ingest.ingest, run.run, query.query, report.report, doctor.doctor, demo.demo):
    app.command()(command)
app.add_typer(audit.app, name="audit")
app.add_typer(export.app, name="export")
app.add_typer(privacy.app, name="privacy")
app.add_typer(scorm.app, name="scorm")
app.add_typer(sync.app, name="sync")
app.add_typer(serve.app, name="serve")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rolecall {_number()}")
        raise typer.Exit


def _number() -> str:
    """The version installed; that of pyproject.toml where Rolecall runs from a clone that is not installed."""
    import tomllib
    from importlib.metadata import PackageNotFoundError, version

    from governance.settings import PROJECT

    try:
        return version("rolecall")
    except PackageNotFoundError:
        return tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit")
    ] = False,
) -> None:
    """Options of every command."""
    if debug:
        os.environ["ROLECALL_DEBUG"] = "1"


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if "--debug" in given:  # wherever it stands: nobody should have to type the command again
        given = ["--debug", *(word for word in given if word != "--debug")]
    try:
        app(given)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # `rolecall query … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        sys.exit(fail(error))


def fail(error: BaseException) -> int:
    """Say what is wrong on standard error, with the traceback where ``--debug`` was given; the exit code is 1."""
    from pipelines.console import ERR
    from pipelines.problems import explain

    if os.environ.get("ROLECALL_DEBUG") == "1":
        ERR.print_exception()
    problem = explain(error)
    ERR.print(
        f"[red]rolecall:[/] {_plain(problem.what)}" + (f"\n  → {_plain(problem.remedy)}" if problem.remedy else "")
    )
    return 1


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


if __name__ == "__main__":
    main()
