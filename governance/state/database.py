"""Opening the state database and taking transactions on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from governance.state.errors import StateError
from governance.state.migrations import upgrade

BUSY_TIMEOUT_S = 30  # a bulk ingest holds SQLite's one write lock for seconds at most
READING = "rolecall_reading"


class State:
    """An open state database at the newest schema.

    Writers take ``session()``, which on SQLite takes the write lock at once: a transaction that reads
    first and writes later would otherwise fail instead of wait when another writer came between.
    Readers take ``reading()``, which never waits for a writer.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        reading = engine.execution_options(**{READING: True})
        postgres = engine.dialect.name == "postgresql"
        # SQLite's read transactions are snapshots; PostgreSQL has to be asked for that.
        self._reading = reading.execution_options(isolation_level="REPEATABLE READ") if postgres else reading
        self._single = reading.execution_options(isolation_level="AUTOCOMMIT") if postgres else reading

    @classmethod
    def open(cls, url: str) -> "State":
        """Connect to ``sqlite:///path`` or ``postgresql://…`` and bring the schema to the newest version.

        Safe when several processes start at once: one migrates, the others wait.

        Raises:
            StateError: Wrong address, no connection, or a database that a newer Rolecall has migrated.
        """
        address = _address(url)
        shown = address.render_as_string(hide_password=True)
        state = cls(_engine(address))
        try:
            upgrade(state.engine)
        except DBAPIError as error:
            state.close()
            raise StateError(
                f"state database {shown}: {_first_line(error)}; check ROLECALL_STATE_URL, that the server runs"
                " and that the disk has room"
            ) from error
        except StateError as error:
            state.close()
            raise StateError(f"state database {shown}: {error}") from error
        return state

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A write transaction: committed when the block ends, rolled back when it raises."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A consistent view for reading; nothing is written."""
        with Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """For single queries on the gateway's path: each sees the newest commit, no ORM, few round trips."""
        with self._single.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise StateError("ROLECALL_STATE_URL is no address; write sqlite:///path or postgresql://…") from error
    if address.get_backend_name() in ("postgresql", "postgres"):
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite":
        raise StateError(f"ROLECALL_STATE_URL names {address.drivername}; only sqlite and postgresql are supported")
    if address.database in (None, "", ":memory:"):
        raise StateError("ROLECALL_STATE_URL names a database in memory, which would lose deliveries; name a file")
    return address


def _engine(address: URL) -> Engine:
    if address.get_backend_name() == "postgresql":
        return create_engine(address, pool_pre_ping=True)
    file = Path(str(address.database))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)  # it holds names; the files beside it take over its mode
    except OSError as error:
        raise StateError(f"state database {file} cannot be made: {error.strerror}; check ROLECALL_HOME") from error
    engine = create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Durable and concurrent: WAL, a sync at each commit, foreign keys, and waiting instead of failing."""
    connection.isolation_level = None  # the driver's own BEGIN comes too late for DDL and for the write lock
    cursor = connection.cursor()
    cursor.execute(f"pragma busy_timeout={BUSY_TIMEOUT_S * 1000}")
    cursor.execute("pragma journal_mode=wal")
    cursor.execute("pragma synchronous=full")
    cursor.execute("pragma foreign_keys=on")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("begin" if reading else "begin immediate")


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
