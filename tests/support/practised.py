"""A home of forty sessions, made by the commands of the README, that tests copy."""

import shutil
from pathlib import Path
from typing import NamedTuple

from support.command import Command

SESSIONS = 40


class Practised(NamedTuple):
    """What was delivered, and the home after `ingest` and `run` of it. Neither is to be changed: ask for a copy."""

    delivered: Path
    home: Path

    def copy(self, target: Path) -> Path:
        """A home of one's own; the bookkeeping of past runs stays behind."""
        shutil.copytree(self.home, target, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
        return target


def build(made: Practised) -> None:
    """Simulate, ingest and run, from nothing."""
    for left_over in made:
        shutil.rmtree(left_over, ignore_errors=True)
    rolecall = Command(made.home)
    week = ("--start", "2026-11-02", "--end", "2026-11-06")
    rolecall("simulate", "--sessions", str(SESSIONS), "--seed", "5", *week, "--out", str(made.delivered))
    rolecall("ingest", str(made.delivered), "--tenant", "acme")
    rolecall("run")
