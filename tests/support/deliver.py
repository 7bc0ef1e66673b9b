"""Homes with statements for delivery tests, and a delivery as a process that may be killed at any step.

    python -m support.deliver HOME CONFIG NAME

is killed at a counted step of the ledger; see ``support.killing``.
"""

import os
import random
import shutil
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from support import killing
from support.lrs import KEY, SECRET, Peer
from support.pipeline import NOW, Home
from support.sessions import bundle

from assets.core import registries
from assets.exports.delivery import Delivered, Post, Wish
from assets.exports.statements import PATH, issue_days, stale_days
from governance.settings import PROJECT
from integrations.sync.ledger import Ledger
from integrations.sync.sender import Clock
from integrations.xapi.destinations import load

CRITERIA = ("client_profile", "risk_disclosure", "cost_disclosure", "plain_language", "understanding_check",
            "decision_and_record")  # fmt: skip
HURRY = 20  # waits are that much shorter
HURRIED = Clock(monotonic=lambda: time.monotonic() * HURRY, sleep=lambda seconds: time.sleep(seconds / HURRY))


def scored(number: int, points: int = 4, at: str = "2026-11-02T10:00:00Z") -> dict:
    """A session with a score by six criteria: nine statements or so."""
    made = bundle(
        number,
        assessments=[
            {
                "rubric_id": "suitability-disclosure",
                "rubric_version": "1",
                "scorer": {"kind": "engine_llm", "id": "submit_suitability_v1", "version": "1"},
                "scored_at": at,
                "criteria": [{"criterion_id": each, "score": points, "evidence_turns": [0]} for each in CRITERIA],
            }
        ],
    )
    made["launch"] |= {"scenario_id": "suitability-fund", "learner_id": f"e{number}"}
    return made


def home_with(folder: Path, sessions: int) -> Home:
    """A home whose statements are issued; its configuration is its own."""
    shutil.copytree(PROJECT / "config", folder / "config")
    (folder / "config" / "connectors").mkdir(exist_ok=True)
    made = Home(folder / "home", folder / "config")
    made.land([scored(number) for number in range(sessions)])
    issue(made)
    return made


def issue(home: Home, now: datetime = NOW) -> None:
    """Bring core and statements up to date."""
    home.settle()
    registries.learners(home.lake, home.identities.learners())
    days = stale_days(home.lake, home.catalog)
    issue_days(home.lake, days, catalog=home.catalog, pseudonym=home.identities.key, now=now)


def statements(home: Home) -> int:
    """How many statements are issued."""
    return len(home.rows(PATH, "statement_id"))


def connect(home: Home, name: str, url: str, **more: object) -> None:
    """Write a destination's file and set its secrets."""
    lines = ["kind: xapi", f"url: {url}", *(f"{key}: {value}" for key, value in more.items())]
    (home.config / "connectors" / f"{name}.yaml").write_text("\n".join(lines) + "\n")
    os.environ.update(secrets(name))


def secrets(name: str) -> Mapping[str, str]:
    """The environment of a destination."""
    prefix = f"ROLECALL_{name.upper().replace('-', '_')}"
    return {f"{prefix}_KEY": KEY, f"{prefix}_SECRET": SECRET}


def send(home: Home, name: str, **more: object) -> Delivered:
    """Deliver to a destination in this process."""
    wish = Wish(name, load(home.config, name), **more)  # type: ignore[arg-type]
    return Post(home.lake, Ledger(home.state), home.identities).deliver(wish, HURRIED)


def killed(home: Home, name: str, kills: int, draw: random.Random) -> int:
    """Deliver in processes that are killed at random steps, then in one that may end; how many were killed."""
    return killing.repeatedly(lambda *moment: _one(home, name, *moment), kills, draw)


def _one(home: Home, name: str, steps: int | None, within_s: float | None) -> bool:
    """One delivery; whether it was killed."""
    words = ["support.deliver", str(home.folder), str(home.config), name]
    return killing.run(words, secrets(name), steps, within_s)


def agrees(home: Home, name: str, peer: Peer) -> list[str]:
    """Where the LRS and the ledger differ, in words; empty where each statement is there once and acknowledged."""
    held = [each["id"] for each in peer.statements()]
    known = set(Ledger(home.state).records(name).get_column("key"))
    said = []
    if len(held) != len(set(held)):
        said.append(f"{len(held) - len(set(held))} statements are there twice")
    if set(held) != known:
        said.append(
            f"{len(set(held) - known)} are there unacknowledged, {len(known - set(held))} acknowledged and gone"
        )
    open_ = Ledger(home.state).intents(name).filter(state="open").height
    return [*said, *([f"{open_} intents are open"] if open_ else [])]


if __name__ == "__main__":
    folder, config, target = sys.argv[1:]
    place = Home(Path(folder), Path(config))
    wanted = Wish(target, load(Path(config), target))

    Post(place.lake, Ledger(place.state), place.identities).deliver(wanted, HURRIED, killing.step)
