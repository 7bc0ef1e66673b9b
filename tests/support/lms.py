"""A home with scored sessions, a real gateway over it, and an LMS: scorm-again in a page of another origin.

The LMS serves unzipped packages and a player that writes down every call of the SCORM API with its answer. What is odd
about a launch (mode, no API, empty answers, another learner) is said in the player's address.
"""

import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import duckdb
import yaml
from playwright.sync_api import Page
from support import hard_cases
from support.command import Command
from support.hard_cases import HUNDRED_HOURS, TENANT, UGLY, names, session
from support.served import free_port
from support.sessions import write

from benchmarks.rig import Gateway
from governance.catalog import Catalog
from governance.identities import learner_key
from governance.settings import PROJECT, Settings
from integrations.engine.simulator import API_KEY
from integrations.scorm import package
from pipelines import packages

PEERS = PROJECT / "tests" / "peers"
AGAIN = PEERS / "scorm" / "node_modules" / "scorm-again" / "dist" / "scorm-again.js"
PLAYER = Path(__file__).parent / "lms_player.html"
SECRET = "5e" * 32
SCENARIOS = ("conflict-shared-budget", "feedback-missed-release", "sales-renewal-risk", "suitability-fund")


@dataclass
class Installation:
    """Where everything runs: the command line of the home, its gateway and the LMS."""

    rolecall: Command
    gateway: Gateway
    folder: Path
    lms: str
    engine: str
    weak_port: int

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def settings(self) -> Settings:
        return Settings(home=self.rolecall.home, config=self.config, secret_key=SECRET)  # type: ignore[arg-type]

    def build(self, scenario: str, edition: str, destination: str = "mapped") -> Path:
        """The package as the command builds it."""
        path = self.folder / "zips" / f"{destination}-{scenario}-{edition}.zip"
        (made,) = packages.build(self.settings, destination, scenario, [edition], path, datetime.now(UTC))
        return made.path

    def unpack(self, path: Path) -> str:
        """The package below the LMS; its name there."""
        with zipfile.ZipFile(path) as archive:
            archive.extractall(self.folder / "lms" / "content" / path.stem)
        return path.stem

    def play(self, page: Page, path: Path, edition: str, learner: str = "u-ada", **odd: Any) -> None:
        """Open a package in the player, as the learner."""
        query = urlencode({"package": self.unpack(path), "edition": edition, "learner": learner, **odd})
        page.goto(f"{self.lms}/player.html?{query}")

    def figures(self, scenario: str, learner: str = "ada") -> dict[str, Any]:
        """What the published marts say about the learner's newest session there."""
        (row, *_) = self.query(
            "select session_id, x.overall, x.passed, s.duration_s from sessions s join session_scores x"
            " using (tenant, session_id) where s.scenario_id = ? and s.learner_key = ? and x.is_latest"
            " order by s.started_at desc",
            [scenario, self.key(learner)],
        )
        criteria = self.query(
            "select criterion_id, score, scaled, met, comment from criterion_scores"
            " where session_id = ? and is_latest order by criterion_id",
            [row["session_id"]],
        )
        return {**row, "criteria": criteria}

    def key(self, learner: str) -> str:
        return learner_key(SECRET.encode(), TENANT, learner)

    def query(self, sql: str, values: list[Any]) -> list[dict[str, Any]]:
        """Rows of the published marts."""
        with duckdb.connect(str((self.settings.marts / TENANT / "current").resolve()), read_only=True) as con:
            found = con.execute(sql, values)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@contextmanager
def installation(folder: Path, **variables: str) -> Iterator[Installation]:
    """Everything running, the gateway with further ``variables``; it and the LMS end with the context."""
    (folder / "lms").mkdir(parents=True)
    shutil.copytree(PROJECT / "config", folder / "config")
    shutil.copy(AGAIN, folder / "lms" / "scorm-again.js")
    shutil.copy(PLAYER, folder / "lms" / "player.html")
    handler = partial(_Quiet, directory=str(folder / "lms"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rolecall = Command(
        folder / "home", ROLECALL_SECRET_KEY=SECRET, ROLECALL_CONFIG=str(folder / "config"),
    )  # fmt: skip
    (folder / "home").mkdir(exist_ok=True)
    engine = free_port()
    extra = {
        "ROLECALL_SECRET_KEY": SECRET, "ROLECALL_CONFIG": str(folder / "config"),
        "ROLECALL_ENGINE_URL": f"http://127.0.0.1:{engine}", "ROLECALL_ENGINE_KEY": API_KEY, **variables,
    }  # fmt: skip
    gateway, weak = Gateway(folder / "home", extra=extra), free_port()
    port = server.server_address[1]
    found = Installation(rolecall, gateway, folder, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{engine}", weak)
    try:
        _configure(found)
        _load(found)
        gateway.start()
        yield found
    finally:
        gateway.stop()
        server.shutdown()
        server.server_close()


@contextmanager
def simulated_engine(found: Installation) -> Iterator[None]:
    """The engine's API and rooms, in a process of its own, where the gateway expects it."""
    process = found.rolecall.start("serve", "simulator", "--port", found.engine.rpartition(":")[2])
    try:
        until_answers(f"{found.engine}/openapi.json")
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def until_answers(address: str, seconds: float = 60) -> None:
    """Wait for a server that is starting."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} did not answer")


def _configure(found: Installation) -> None:
    """Two more scenarios, and destinations whose ports are those of this run."""
    hard_cases.add_to(found.config)
    base = {
        "title": "Test LMS", "tenant": TENANT, "base_url": f"http://127.0.0.1:{found.gateway.port}",
        "origins": [found.lms, f"http://127.0.0.1:{found.weak_port}"], "scheme": "username",
    }  # fmt: skip
    destinations = {
        "mapped": {"identity": "mapped"},
        "claiming": {"identity": "claim"},
        "sso": {"identity": "sso"},
        "elsewhere": {"identity": "mapped", "origins": ["https://another.example"]},
        "gentle": {"identity": "mapped", "fail_status": "incomplete", "counts": "best", "masteryscore": True},
        "live": {
            "identity": "mapped",
            "mode": "live",
            "live": {"rooms": [found.engine], "memory": True, "notice": "It is recorded.", "notice_ref": "n-1"},
        },
        "dead": {"identity": "mapped", "base_url": f"http://127.0.0.1:{free_port()}"},
    }
    for name, changes in destinations.items():
        (found.config / "destinations" / f"{name}.yaml").write_text(yaml.safe_dump(base | changes), "utf-8")


def _load(found: Installation) -> None:
    catalog = Catalog.load(found.config)
    records = []
    for place, name in enumerate(SCENARIOS):
        scenario = package.scenario_of(catalog, name)
        rubric = catalog.rubrics[scenario.rubric.id, scenario.rubric.version]
        scores = {item.id: min(item.max, item.min + 1 + (n + place) % 4) for n, item in enumerate(rubric.criteria)}
        key = (rubric.id, rubric.version)
        records.append(session(2 + place, "ada", name, scenario.version, key, scores, comment="Well listened."))
        best = {item.id: item.max for item in rubric.criteria}
        records.append(session(2 + place, "cleo", name, scenario.version, key, best))
    records += [
        session(8, "ada", "knockout", "1", ("knockout", "1"), {"bar": 65, "flow": 100}),
        session(24, "ada", "forty", "1", ("forty", "1"), dict.fromkeys(names(40), 3), HUNDRED_HOURS, UGLY),
        session(10, "zoe", "forty", "1", ("forty", "1"), dict.fromkeys(names(40), 0)),
    ]
    found.rolecall("ingest", str(write(found.folder / "sessions.jsonl", records)), "--tenant", TENANT)
    found.rolecall("run")
    rows = "external_id,learner_id\nu-ada,ada\nu-ben,ben\nu-cleo,cleo\nu-zoe,zoe\n1,ada\n"
    (found.folder / "map.csv").write_text(rows)
    for destination in ("mapped", "gentle", "dead", "elsewhere", "live"):
        packages.record_map(found.settings, destination, found.folder / "map.csv")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Tests read no access log."""
