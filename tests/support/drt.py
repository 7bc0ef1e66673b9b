"""drt, a reverse ETL of others, as a process of its own: one sync of a SQLite table to HubSpot's contacts.

Its HubSpot is at a fixed address, so it is led to the simulator by a tunnel: a proxy that takes every CONNECT there.
"""

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from select import select
from socket import create_connection, socket
from typing import Any, Literal

import yaml
from support import sqlite
from support.crm_clouds import Authority

PROGRAM = Path(__file__).resolve().parents[1] / "peers" / "drt" / ".venv" / "bin" / "drt"
HUBSPOT = "api.hubapi.com"
SYNC, CURSOR = "people", "changed_at"
ENDED_S = 600
Mode = Literal["full", "incremental"]


@dataclass(frozen=True)
class Ran:
    """What drt said of one command; ``still`` counts rows in its dead-letter file afterwards."""

    exit_code: int
    said: str
    rejects: Sequence[Mapping[str, Any]]


class Project:
    """A project of drt's with its own home; ``mode`` incremental goes by the column ``changed_at``."""

    def __init__(self, folder: Path, mode: Mode, key: str, token: str, authority: Authority, tunnel: str) -> None:
        self.folder, self._key = folder, key
        (folder / "syncs").mkdir(parents=True)
        (folder / ".drt").mkdir()
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DO_NOT_TRACK": "1",
            "HUBSPOT_TOKEN": token,
            "HTTPS_PROXY": tunnel,
            "SSL_CERT_FILE": str(authority.trust),
        }
        profile = {"local": {"type": "sqlite", "database": str(folder / "people.db")}}
        (folder / ".drt" / "profiles.yml").write_text(yaml.safe_dump(profile))
        (folder / "drt_project.yml").write_text(
            yaml.safe_dump({"name": "people", "version": "0.1", "profile": "local"})
        )
        (folder / "syncs" / f"{SYNC}.yml").write_text(yaml.safe_dump(self._sync(mode)))

    def _sync(self, mode: Mode) -> dict[str, Any]:
        """People are only ever updated, a bad row does not stop the others, and rejects are kept to be retried."""
        options: dict[str, Any] = {"mode": mode, "match_policy": "update_only", "on_error": "skip",
                                   "dlq": {"enabled": True}, "rate_limit": {"requests_per_second": 10_000}}  # fmt: skip
        return {
            "name": SYNC,
            "model": f"select * from people order by {CURSOR}",
            "destination": {"type": "hubspot", "object_type": "contacts", "id_property": self._key,
                            "properties_template": "{{ row.properties }}",
                            "auth": {"type": "bearer", "token_env": "HUBSPOT_TOKEN"}},
            "sync": options | ({"cursor_field": CURSOR} if mode == "incremental" else {}),
        }  # fmt: skip

    def hold(self, people: Mapping[str, Mapping[str, Any]], changed_at: str) -> None:
        """What the table holds from now on; a row that is new or other than before changed at that moment."""
        with sqlite.opened(self.folder / "people.db") as con:
            con.execute(f"create table if not exists people (key text primary key, properties text, {CURSOR} text)")
            con.executemany(
                f"insert into people values (?, ?, ?) on conflict (key) do update"
                f" set properties = excluded.properties, {CURSOR} = excluded.{CURSOR}"
                " where properties <> excluded.properties",
                [(key, json.dumps({self._key: key, **fields}), changed_at) for key, fields in people.items()],
            )

    def run(self, *words: str) -> Ran:
        """``drt run``, or the command given."""
        command = [str(PROGRAM), *(words or ("run",))]
        done = subprocess.run(command, cwd=self.folder, env=self._environment, capture_output=True, text=True,
                              timeout=ENDED_S)  # fmt: skip
        letters = self.folder / ".drt" / "dlq" / f"{SYNC}.jsonl"
        lines = letters.read_text().splitlines() if letters.exists() else []
        return Ran(done.returncode, done.stdout + done.stderr, [json.loads(line) for line in lines])


@contextmanager
def tunnel(address: str) -> Iterator[str]:
    """Address of a proxy that leads every CONNECT to the server at ``address``, byte by byte."""
    host, _, port = address.rpartition("//")[2].partition(":")

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            with create_connection((host, int(port))) as there:
                self.send_response(200)
                self.end_headers()
                _pass_on(self.connection, there)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _pass_on(one: socket, other: socket) -> None:
    ways = {one: other, other: one}
    while True:
        for ready in select(list(ways), [], [])[0]:
            some = ready.recv(65_536)
            if not some:
                return
            ways[ready].sendall(some)
