"""Bringing a state database to the newest schema.

A new table gets a new file ``versions/NNNN_subject.py`` whose ``down_revision`` is the number before;
files that have shipped are never edited.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from governance.state.errors import StateError
from governance.state.locks import lock


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, bound to an open connection where one is given."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The newest revision that this code knows."""
    newest = ScriptDirectory.from_config(configuration()).get_current_head()
    if newest is None:
        raise StateError("the package holds no migrations; reinstall Rolecall")
    return newest


def revision(connection: Connection) -> str | None:
    """The database's revision; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine) -> None:
    """Migrate to the newest revision, one process at a time.

    Raises:
        StateError: The database is at a revision that this code does not know.
    """
    newest = head()
    with engine.begin() as connection:
        lock(connection, "migrations")
        current = revision(connection)
        if current == newest:
            return
        known = {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}
        if current is not None and current not in known:
            raise StateError(
                f"its schema is {current}, this Rolecall knows up to {newest}; install the newer Rolecall"
                " that migrated it, or restore the backup made before"
            )
        command.upgrade(configuration(connection), "head")
