"""``rolecall demo``: everything once, on simulated sessions."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.commands.simulate import SEED, SESSIONS

if TYPE_CHECKING:
    from governance.settings import Settings


def demo(
    sessions: Annotated[int, typer.Option(min=1, help="Sessions to simulate")] = SESSIONS,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the dashboard afterwards")] = True,
    port: Annotated[int, typer.Option(help="Port of the dashboard", min=1, max=65535)] = 8501,
) -> None:
    """Simulate sessions, take them in, run the pipeline, write xAPI files and serve the dashboard.

    The simulated files stay in the home's folder `demo`, the statements in `exports/xapi`. The same demo again
    simulates nothing anew and changes nothing.
    """
    from pipelines import environment
    from pipelines.commands import export, ingest, run
    from pipelines.commands import serve as servers
    from pipelines.console import OUT

    settings = environment.prepare()
    folder = simulated(settings, sessions)
    files, foreign = ingest.gather([folder], [], [], [])
    ingest.report(ingest.taken(settings, files, None), foreign)
    run.show(run.executed(settings))
    export.xapi(out=settings.exports / "xapi")
    if serve:
        OUT.print(f"Open http://localhost:{port} (Ctrl-C ends it)")
        servers.dashboard(port=port)


def simulated(settings: "Settings", sessions: int) -> Path:
    """The folder of this demo's files, played where it is not there whole.

    The period is that of the first time, so that a demo repeated tomorrow is still the same demo.
    """
    from pipelines.commands.simulate import period, play
    from pipelines.console import ERR

    folder = settings.home / "demo" / f"{sessions}-{SEED}"
    receipt = folder / "demo.json"
    if not receipt.exists():
        first, last = period(None, None)
        with ERR.status(f"Playing {sessions:,} sessions"):
            play(settings.config, folder, sessions, SEED, first, last)
        receipt.write_text(json.dumps({"sessions": sessions, "start": str(first), "end": str(last)}), "utf-8")
    return folder
