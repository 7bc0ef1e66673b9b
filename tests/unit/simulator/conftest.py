"""Two simulations that the tests share: one with every ugly case made common, one without any."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from governance.catalog import Catalog
from governance.settings import PROJECT
from integrations.engine import simulator
from integrations.engine.simulator import Truth, Uglies

START, END = date(2026, 9, 1), date(2026, 10, 12)
COMMON = Uglies(
    two_recordings=0.2, copy_failed=0.15, legacy_speech=0.1, memory=0.2, unknown_criterion=0.1, out_of_range=0.1,
    unknown_event=0.1, rescored=0.1, malformed=0.01, naive_time=0.01, uncatalogued=0.1, perception_unavailable=0.5,
)  # fmt: skip


@dataclass(frozen=True)
class Simulation:
    """A simulation on disk and its truth."""

    out: Path
    truth: Truth

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Objects of a JSON lines file; broken lines are left out."""
        for line in (self.out / name).read_bytes().splitlines():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                continue

    def bodies(self, event_type: str) -> list[dict[str, Any]]:
        """Bodies of the webhooks of a type."""
        found = [line["body"] for line in self.lines("deliveries.jsonl") if line["channel"] == "webhook"]
        return [body for body in found if body["event_type"] == event_type]

    def relay(self) -> list[dict[str, Any]]:
        """Every relayed event."""
        paths = sorted((self.out / "relay").glob("*.jsonl"))
        return [orjson.loads(line) for path in paths for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load(PROJECT / "config")


def simulate(catalog: Catalog, out: Path, sessions: int, **more: Any) -> Simulation:
    given: dict[str, Any] = {"seed": 11, "start": START, "end": END, "videos": 0} | more
    return Simulation(out, simulator.generate(catalog, sessions=sessions, out=out, **given))


@pytest.fixture(scope="session")
def ugly(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    return simulate(catalog, tmp_path_factory.mktemp("ugly"), 260, uglies=COMMON, videos=1)


@pytest.fixture(scope="session")
def clean(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    return simulate(catalog, tmp_path_factory.mktemp("clean"), 120, uglies=Uglies.none())
