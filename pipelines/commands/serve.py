"""``rolecall serve``: the servers, each in the foreground."""

import os
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Run one of the servers in the foreground.", no_args_is_help=True, rich_markup_mode=None)


class CrmSystem(StrEnum):
    """CRMs that are simulated."""

    SALESFORCE = "salesforce"
    HUBSPOT = "hubspot"


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
    from pipelines import environment
    from pipelines.gateway import serve

    serve(host, port, environment.prepare())


@app.command()
def dagster(host: Annotated[str, HOST] = "127.0.0.1", port: Annotated[int, PORT] = 3000) -> None:
    """Dagster's own pages and its daemon: schedules, sensors, automation."""
    from pipelines import abandoned, environment

    settings = environment.prepare()
    with environment.instance(settings) as instance:
        abandoned.release_before_serving(instance, settings.dagster_storage)
    # Dagster ends on SIGTERM as it does on Ctrl-C, and a script's background process is born without Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _become(
        ["dagster", "dev"],
        ["--module-name", "pipelines.definitions", "--host", host, "--port", str(port)],
        environment.variables(settings),
    )


@app.command()
def crm_simulator(
    system: Annotated[CrmSystem, typer.Option(help="Whose wire formats it speaks")],
    port: Annotated[int, PORT] = 8702,
    people: Annotated[int, typer.Option(min=1, help="Records of people")] = 100,
    deals: Annotated[int, typer.Option(min=0, help="Deals that they own")] = 500,
    certificate: Annotated[Path | None, typer.Option(help="Certificate chain (PEM) for localhost: speak TLS")] = None,
    key: Annotated[Path | None, typer.Option(help="Private key (PEM) of the certificate")] = None,
) -> None:
    """A simulated Salesforce or HubSpot on this machine, to try a connector without an account; rows live in memory."""
    from integrations.crm.simulators import ready, serving
    from pipelines.console import OUT
    from pipelines.problems import Problem

    if (certificate is None) is not (key is None):
        raise typer.BadParameter("TLS needs both --certificate and --key")
    simulated = ready.simulated(system.value, people, deals)
    try:
        with serving.served(simulated.app, certificate, key, port) as address:
            OUT.print(simulated.connector(address), markup=False, highlight=False)
            signal.pause()
    except RuntimeError as error:
        raise Problem(str(error)) from error


@app.command()
def simulator(
    host: Annotated[str, HOST] = "127.0.0.1",
    port: Annotated[int, PORT] = 8701,
    folder: Annotated[
        Path | None, typer.Option(help="A simulation whose conversations it knows as well", file_okay=False)
    ] = None,
) -> None:
    """A simulated engine: its API, and rooms in which role-plays can be held without one."""
    import tempfile

    import uvicorn

    from governance.catalog import Catalog
    from integrations.engine.simulator import API_KEY, api
    from integrations.engine.simulator.rooms import Rooms
    from pipelines import environment
    from pipelines.console import ERR

    settings = environment.prepare()
    ERR.print(f"ROLECALL_ENGINE_URL=http://{host}:{port} ROLECALL_ENGINE_KEY={API_KEY}", markup=False)
    with tempfile.TemporaryDirectory(prefix="rolecall-") as films:
        rooms = Rooms(Catalog.load(settings.config), Path(films))
        uvicorn.run(
            api.app(folder, rooms=rooms), host=host, port=port, log_level=settings.log_level.lower(), access_log=False
        )


def _become(module: list[str], options: list[str], variables: dict[str, str]) -> None:
    """Replace this process, so that signals reach the server and no idle parent stays."""
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", *module, *options], {**os.environ, **variables})  # noqa: S606  # nosec B606
