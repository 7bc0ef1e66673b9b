"""A home of forty sessions, made by the commands of the README, that tests copy.

With them came two sessions of a German learner, full of perception (``support.planted``).
"""

import shutil
from pathlib import Path
from typing import NamedTuple

from support.command import Command
from support.planted import plant

SESSIONS = 42  # those of the simulation, and two of the planted learner


class Practised(NamedTuple):
    """What was delivered, and the home after `ingest`, `run` and `export xapi`: not to be changed, ask for a copy."""

    delivered: Path
    home: Path

    @property
    def planted(self) -> Path:
        """Deliveries, bundle and registries of the German learner."""
        return self.delivered.with_name(f"{self.delivered.name}-planted")

    @property
    def statements(self) -> Path:
        """What `export xapi` wrote."""
        return self.home.with_name(f"{self.home.name}-statements")

    @property
    def said(self) -> Path:
        """Everything that the commands wrote on the terminal."""
        return self.home.with_name(f"{self.home.name}-said.txt")

    def copy(self, target: Path, *, whole: bool = False) -> Path:
        """A home of one's own; the bookkeeping of past runs stays behind, unless the ``whole`` home is wanted."""
        ignore = None if whole else shutil.ignore_patterns("dagster")
        shutil.copytree(self.home, target, symlinks=True, ignore=ignore)
        return target


def build(made: Practised) -> None:
    """Simulate, ingest, run and export, from nothing."""
    for left_over in (*made, made.planted, made.statements):
        shutil.rmtree(left_over, ignore_errors=True)
    rolecall = Command(made.home)
    plant(made.planted)
    week = ("--start", "2026-11-02", "--end", "2026-11-06")
    rolecall("simulate", "--sessions", "40", "--seed", "5", *week, "--out", str(made.delivered))
    ran = [
        rolecall.run("--debug", *words)
        for words in (
            ("ingest", str(made.planted), str(made.delivered), "--tenant", "acme"),
            ("run",),
            ("export", "xapi", "--out", str(made.statements)),
        )
    ]
    made.said.write_text("".join(each.stdout + each.stderr for each in ran), encoding="utf-8")
    assert [each.returncode for each in ran] == [0, 0, 0], made.said.read_text("utf-8")
