"""A real PostgreSQL server for tests, in a folder of its own, stopped by its process id."""

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

STARTUP_S = 30
STOP_S = 20
SYSTEM_USER = "postgres"


class Unavailable(Exception):  # noqa: N818
    """No server can be started here; the message says what to install."""


def binaries() -> Path:
    """Folder of the newest installed server's programs."""
    found = sorted(
        (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        key=lambda path: int(path.parent.name),
    )
    if not found:
        raise Unavailable("PostgreSQL is not installed here: apt-get install postgresql")
    return found[-1]


def _user() -> str | None:
    """The user to run as: PostgreSQL refuses root."""
    if os.getuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise Unavailable(f"PostgreSQL refuses to run as root and there is no user {SYSTEM_USER}") from None
    return SYSTEM_USER


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Address of the server's first database while the server runs; the data lie in ``folder``."""
    programs, user = binaries(), _user()
    folder.mkdir(parents=True, exist_ok=True)
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    data, port = folder / "data", _free_port()
    initialise = [programs / "initdb", "-D", data, "-U", "rolecall", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    subprocess.run(initialise, user=user, cwd=folder, check=True, capture_output=True)
    start = [
        programs / "postgres",
        "-D",
        data,
        "-p",
        str(port),
        "-h",
        "127.0.0.1",
        "-k",
        "",
        "-c",
        "max_connections=60",
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(start, user=user, cwd=folder, stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "server.log")
        yield f"postgresql://rolecall@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # fast shutdown: ends sessions, keeps the data whole
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTUP_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            psycopg.connect(f"postgresql://rolecall@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")


def create_database(server_url: str, name: str) -> str:
    """An empty database on the server, by its address."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')  # type: ignore[call-overload]
    return f"{server_url.rsplit('/', 1)[0]}/{name}"


def drop_database(server_url: str, name: str) -> None:
    """Remove a database, ending whoever is still connected."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')  # type: ignore[call-overload]
