"""A real Tryton for tests: a process of its own on SQLite, never imported, stopped by its process id."""

import base64
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from support import sqlite

PEER = Path(__file__).resolve().parents[1] / "peers" / "tryton"
PROGRAMS = PEER / ".venv" / "bin"
STARTUP_S, STOP_S = 60, 20
MODULES = ("party", "sale_opportunity", "rolecall_practice")
PASSWORD = "rolecall-tests"  # of a server that lives as long as a test
VARIABLE = "CRM_PASSWORD"  # the environment variable that the connector takes it from
DEALS = {
    "object": "sale.opportunity",
    "as": "deal",
    "fields": {
        "amount": "amount", "currency": "currency.code", "stage": "state", "opened_at": "create_date",
        "closed_at": "end_date",
    },
    "people": [{"field": "employee", "match": "account"}],
    "stages": {
        "lead": "open", "opportunity": "open", "won": "won", "converted": "won", "lost": "lost", "cancelled": "lost"
    },
}  # fmt: skip


class Unavailable(Exception):  # noqa: N818
    """Tryton is not installed here; the message says what to do."""


@dataclass
class Server:
    """A running Tryton with one company, and a bare client of its own to set things up and to judge."""

    url: str
    database: Path
    company: int = 0
    currency: int = 0
    customer: int = 0

    def __post_init__(self) -> None:
        self.client = httpx.Client(timeout=120)
        uid, self.token, *_ = self._send("common.db.login", ["admin", {"password": PASSWORD}], {})
        self.headers = {"authorization": "Session " + base64.b64encode(f"admin:{uid}:{self.token}".encode()).decode()}

    def call(self, model: str, method: str, *params: Any) -> Any:
        """One call; fails where Tryton answers with an error."""
        context = {"company": self.company} if self.company else {}
        return self._send(f"model.{model}.{method}", [*params, context], self.headers)

    def _send(self, method: str, params: list[Any], headers: dict[str, str]) -> Any:
        answer = self.client.post(f"{self.url}/crm/rpc/", json={"id": 1, "method": method, "params": params},
                                  headers=headers).json()  # fmt: skip
        assert "error" not in answer, answer["error"][:2]
        return answer["result"]

    def end_sessions(self) -> int:
        """End every session but our own, as a time-out does; how many there were."""
        with sqlite.opened(self.database) as con:
            return con.execute("delete from ir_session where key <> ?", (self.token,)).rowcount

    def found_company(self) -> None:
        """One company in euro, whose employees the user acts for."""
        (self.currency,) = self.call("currency.currency", "create", [
            {"name": "Euro", "code": "EUR", "numeric_code": "978", "symbol": "EUR", "digits": 2}
        ])  # fmt: skip
        party, self.customer = self.call("party.party", "create", [{"name": "Acme"}, {"name": "Customer"}])
        (self.company,) = self.call("company.company", "create", [{"party": party, "currency": self.currency}])
        self.call("res.user", "write", [1], {"companies": [["add", [self.company]]], "company": self.company})

    def employees(self, names: Sequence[str]) -> list[int]:
        """Employees by name, hired on 5 January 2026."""
        parties = self.call("party.party", "create", [{"name": name} for name in names])
        hired = {"__class__": "date", "year": 2026, "month": 1, "day": 5}
        rows = [{"party": party, "company": self.company, "start_date": hired} for party in parties]
        return self.call("company.employee", "create", rows)

    def close_deals(self, state: str, where: str) -> None:
        """Close deals in the database itself: Tryton lets a deal be won through a sale alone, one after the other."""
        with sqlite.opened(self.database) as con:
            con.execute(f"update sale_opportunity set state = ?, end_date = '2026-10-05' where {where}", (state,))

    def deals(self, count: int, owners: Sequence[int], first: int = 0) -> list[int]:
        """Leads of 100.10 EUR and more."""
        day = {"__class__": "date", "year": 2026, "month": 10, "day": 5}
        rows = [
            {
                "description": f"Deal {number}",
                "company": self.company,
                "currency": self.currency,
                "party": self.customer,
                "employee": owners[number % len(owners)],
                "amount": {"__class__": "Decimal", "decimal": f"{100 + number}.10"},
                "start_date": day,
            }
            for number in range(first, first + count)
        ]
        made: list[int] = []
        for start in range(0, count, 1_000):
            made += self.call("sale.opportunity", "create", rows[start : start + 1_000])
        return made


def connector(found: Server, **options: Any) -> dict[str, Any]:
    """What a connector's file says of that server; its deals are read."""
    return {
        "system": "tryton",
        "url": found.url,
        "secrets": {"password": VARIABLE},
        "options": {"database": "crm", "login": "admin", **options},
        "read": {"deals": DEALS},
    }


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A Tryton with an empty company while the block runs; the database lies in ``folder``."""
    if not (PROGRAMS / "trytond").exists():
        raise Unavailable("Tryton is not installed here: make test sets it up below tests/peers/tryton")
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    config = folder / "trytond.conf"
    config.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n")
    environment = {**os.environ, "PYTHONPATH": str(PEER / "module"), "TRYTONPASSFILE": str(folder / "password")}
    (folder / "password").write_text(PASSWORD)
    template = PEER / ".venv" / f"template-{_module_digest()}.sqlite"
    if template.exists():
        shutil.copy(template, folder / "crm.sqlite")
    else:
        _initialise(folder, config, environment)
        draft = template.with_name(f"{template.name}.{os.getpid()}")
        shutil.copy(folder / "crm.sqlite", draft)
        draft.replace(template)
    with running(folder, port, environment) as url:
        found = Server(url, folder / "crm.sqlite")
        found.found_company()
        yield found


def _initialise(folder: Path, config: Path, environment: dict[str, str]) -> None:
    """A database with the modules: half a minute of work, so that its result is kept beside the installation."""
    (folder / "crm.sqlite").touch()
    subprocess.run(
        [PROGRAMS / "trytond-admin", "-c", config, "-d", "crm", "--email", "admin@example.com",
         "--activate-dependencies", "-u", *MODULES],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip


def _module_digest() -> str:
    """Changes with the module, the release and the password: each needs a database of its own."""
    files = [*sorted((PEER / "module").rglob("*.py")), PEER / "requirements.txt"]
    return hashlib.sha256(PASSWORD.encode() + b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


@contextmanager
def running(folder: Path, port: int, environment: dict[str, str]) -> Iterator[str]:
    """The server's process."""
    log = folder / f"server-{secrets.token_hex(3)}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [PROGRAMS / "trytond", "-c", folder / "trytond.conf", "-d", "crm"],
            env=environment, stdout=output, stderr=output, cwd=folder,
        )  # fmt: skip
    try:
        _wait(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTUP_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"Tryton did not start:\n{log.read_text(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
