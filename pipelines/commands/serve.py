"""``rolecall serve``: the three servers, each in the foreground."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Run one of the servers in the foreground.", no_args_is_help=True, rich_markup_mode=None)

HOST = typer.Option(help="Address to listen on")
PORT = typer.Option(help="Port to listen on", min=1, max=65535)


@app.command()
def dashboard(host: Annotated[str, HOST] = "127.0.0.1", port: Annotated[int, PORT] = 8501) -> None:
    """The dashboard, over the published marts."""
    import dashboards
    from pipelines import environment
    from pipelines.login import login_file

    settings = environment.prepare()
    script = Path(dashboards.__file__).parent / "asgi.py"
    login = login_file(settings)
    _become(
        ["streamlit", "run", str(script)],
        [
            *("--server.address", host, "--server.port", str(port), "--server.headless", "true"),
            *(() if login is None else ("--secrets.files", str(login))),
        ],
        environment.variables(settings),
    )


@app.command()
def gateway(host: Annotated[str, HOST] = "127.0.0.1", port: Annotated[int, PORT] = 8080) -> None:
    """The gateway that takes the engine's deliveries and the launch registry."""
    import uvicorn

    from pipelines import environment
    from pipelines.gateway import create_app

    settings = environment.prepare()
    uvicorn.run(create_app(settings), host=host, port=port, log_level=settings.log_level.lower(), access_log=False)


@app.command()
def dagster(host: Annotated[str, HOST] = "127.0.0.1", port: Annotated[int, PORT] = 3000) -> None:
    """Dagster's own pages and its daemon: schedules, sensors, automation."""
    from pipelines import environment

    settings = environment.prepare()
    _become(
        ["dagster", "dev"],
        ["--module-name", "pipelines.definitions", "--host", host, "--port", str(port)],
        environment.variables(settings),
    )


def _become(module: list[str], options: list[str], variables: dict[str, str]) -> None:
    """Replace this process, so that signals reach the server and no idle parent stays."""
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", *module, *options], {**os.environ, **variables})  # noqa: S606
