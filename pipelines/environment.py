"""Where Rolecall runs: folders, Dagster's environment variables and the resources bound to the settings.

Nothing happens at import; every function takes or makes ``Settings``. No logic of assets belongs here.
"""

import logging
import os
import warnings
from typing import TYPE_CHECKING, Any

from governance.settings import PROJECT, Settings
from pipelines.problems import Problem

if TYPE_CHECKING:
    import dagster as dg


def prepare(settings: Settings | None = None) -> Settings:
    """Make the home's folders and set what Dagster reads from the environment; the settings in force."""
    settings = settings or Settings()
    for folder in (settings.home, settings.dagster_storage):
        folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(variables(settings))
    return settings


def variables(settings: Settings) -> dict[str, str]:
    """Environment variables that Dagster and the servers need, whatever the working folder is."""
    return {
        "ROLECALL_HOME": str(settings.home),
        "ROLECALL_CONFIG": str(settings.config),
        "ROLECALL_DAGSTER_DIR": str(settings.dagster_storage),
        "DAGSTER_HOME": str(PROJECT),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DAGSTER_EVENT_BATCH_SIZE": "1000",  # records of many days are written together, see pipelines.event_log
        "GX_ANALYTICS_ENABLED": "false",
        # Models of three parameters: with a thread a core, OpenBLAS spends five times their work on waiting. It is read
        # when NumPy is first imported, which no command does before this.
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1"),
    }


def instance(settings: Settings) -> "dg.DagsterInstance":
    """Dagster's persistent instance, as ``dagster.yaml`` describes it."""
    import dagster as dg

    prepare(settings)
    if not (PROJECT / "dagster.yaml").is_file():
        raise Problem(f"There is no dagster.yaml in {PROJECT}", "Run from a clone of the repository (`make setup`)")
    return dg.DagsterInstance.get()


def resources(settings: Settings) -> dict[str, Any]:
    """Every resource that assets, checks and sensors ask for, bound to the settings.

    The state database's address may hold a password, and Dagster's pages show what a resource was given: it is left to
    the environment wherever that says the same.
    """
    from assets.resources import Workspace

    address = settings.database_url
    given = None if address == Settings().database_url else address
    return {"workspace": Workspace(home=str(settings.home), config=str(settings.config), state_url=given)}


def quiet() -> None:
    """Dagster warns of every beta parameter on every load (the runbook lists ours), Alembic tells of every opening."""
    import dagster as dg

    logging.getLogger("alembic").setLevel(logging.WARNING)

    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
