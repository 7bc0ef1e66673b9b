"""Small samples of ``make soak``: a gateway killed under load, and damaged bodies over every route."""

from pathlib import Path

import pytest

from benchmarks import mutations, rig, soak_fuzz, soak_gateway

KILLS = 5
BODIES = 300


@pytest.mark.timeout(240)
def test_nothing_answered_is_lost_when_the_gateway_is_killed(tmp_path: Path) -> None:
    figures = soak_gateway.soak(rig.Gateway(tmp_path), KILLS)
    assert figures["raw"] == {"rows": figures["stored"], "lost": 0, "twice": 0}
    assert figures["inbox"] == figures["raw"]
    assert figures["answered"] > KILLS  # type: ignore[operator]


@pytest.mark.postgres
@pytest.mark.timeout(240)
def test_nothing_answered_is_lost_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    figures = soak_gateway.soak(rig.Gateway(tmp_path, postgres_database), 2)
    assert figures["raw"] == {"rows": figures["stored"], "lost": 0, "twice": 0}


@pytest.mark.timeout(240)
def test_damaged_bodies_meet_no_5xx_and_every_accepted_one_is_accounted_for(tmp_path: Path) -> None:
    figures = soak_fuzz.soak(rig.Gateway(tmp_path), BODIES)
    assert {"200", "400", "401", "422"} <= set(figures["statuses"])  # type: ignore[call-overload]
    assert figures["stored"]


@pytest.mark.postgres
@pytest.mark.timeout(240)
def test_damaged_bodies_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    assert soak_fuzz.soak(rig.Gateway(tmp_path, postgres_database), BODIES, seed=23)["stored"]


def test_the_same_seed_fires_the_same_shots() -> None:
    assert list(mutations.shots(50, 3)) == list(mutations.shots(50, 3))
    assert {shot.route for shot in mutations.shots(200, 3)} == set(mutations.ROUTES.values())
