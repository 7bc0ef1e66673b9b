"""The same arguments give the same bytes, and the folder holds what it promises."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import orjson
import pytest

from governance.catalog import Catalog
from governance.settings import PROJECT
from integrations.engine import simulator
from integrations.engine.registries import read_launches, read_learners
from integrations.engine.simulator import Uglies
from integrations.engine.simulator.generate import fingerprint
from integrations.engine.simulator.phrases import LANGUAGES, SCRIPTS, phrases

DAY = date(2026, 10, 1)


def made(catalog: Catalog, out: Path, seed: int = 1, videos: int = 0) -> str:
    shutil.rmtree(out, ignore_errors=True)
    simulator.generate(catalog, 25, seed, DAY, DAY + timedelta(days=9), out, videos=videos)
    return fingerprint(out)


def test_same_seed_same_simulation(catalog: Catalog, tmp_path: Path) -> None:
    first = made(catalog, tmp_path / "a", videos=1)
    assert made(catalog, tmp_path / "a", videos=1) == first
    assert made(catalog, tmp_path / "a", seed=2) != made(catalog, tmp_path / "a", seed=3)


def test_the_order_of_sets_does_not_matter(tmp_path: Path) -> None:
    """Python's hash seed differs from process to process."""
    code = (
        "import sys, datetime, pathlib; from governance.catalog import Catalog;"
        "from integrations.engine import simulator;"
        "from integrations.engine.simulator.generate import fingerprint; from governance.settings import PROJECT;"
        "day = datetime.date(2026, 10, 1); out = pathlib.Path(sys.argv[1]);"
        "simulator.generate(Catalog.load(PROJECT / 'config'), 20, 1, day, day, out, videos=0);"
        "sys.stdout.write(fingerprint(out))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(PROJECT)},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_a_second_run_leaves_nothing_of_the_first(catalog: Catalog, tmp_path: Path) -> None:
    fresh = made(catalog, tmp_path / "a", seed=2)
    simulator.generate(catalog, 40, 1, DAY, DAY + timedelta(days=9), tmp_path / "a", videos=0)
    simulator.generate(catalog, 25, 2, DAY, DAY + timedelta(days=9), tmp_path / "a", videos=0)
    assert fingerprint(tmp_path / "a") == fresh


def test_counts_match_the_files(ugly) -> None:
    counts = ugly.truth.counts
    assert len((ugly.out / "deliveries.jsonl").read_bytes().splitlines()) == counts["deliveries"]
    for name in ("launches", "learners", "bundles"):
        assert sum(1 for _ in ugly.lines(f"{name}.jsonl")) == counts[name]
    assert len(ugly.relay()) == counts["relay_lines"]
    assert counts["bundles"] + counts["sessions_cvi"] == counts["sessions"] == 260
    assert sum(1 for _ in ugly.lines("outcomes.jsonl")) == counts["outcomes_deals"] + counts["outcomes_csat"]
    assert counts["launches"] + counts["sessions_without_launch"] + counts["test_sessions"] == counts["sessions_cvi"]
    assert orjson.loads((ugly.out / "truth.json").read_bytes())["counts"] == dict(counts)


def test_registries_take_every_line(ugly) -> None:
    launches, learners = read_launches(ugly.out / "launches.jsonl"), read_learners(ugly.out / "learners.jsonl")
    assert launches.rejects == []
    assert len(launches.records) == ugly.truth.counts["launches"]
    assert learners.rejects == []
    assert len(learners.records) == ugly.truth.counts["learners"]


def test_sessions_lie_within_the_period_and_attempts_count_up(ugly) -> None:
    played = ugly.truth.played
    assert {date.fromisoformat(p["started_at"][:10]) for p in played} <= {
        ugly.truth.start + timedelta(days=n) for n in range((ugly.truth.end - ugly.truth.start).days + 1)
    }
    assert all(launch["attempt"] >= 1 for launch in ugly.lines("launches.jsonl"))


def test_both_versions_and_both_scorers_occur_in_order(ugly) -> None:
    sales = [p for p in ugly.truth.played if p["rubric"][0] == "sales-discovery"]
    assert [p["rubric"][1] for p in sales] == sorted(p["rubric"][1] for p in sales)
    versions = [p["scorer_version"] for p in ugly.truth.played]
    assert len(set(versions)) == 2
    assert versions == sorted(versions)


def test_everybody_can_speak_in_every_language(catalog: Catalog) -> None:
    """Scripts, dialogues and the shipped catalog name the same things."""
    for scenario in catalog.scenarios.values():
        moves = SCRIPTS[scenario.kind]
        criteria = {item.id for item in catalog.rubrics[scenario.rubric.id, scenario.rubric.version].criteria}
        assert {move.criterion for move in moves if move.criterion} == criteria
        assert {move.objective for move in moves if move.objective} == {item.name for item in scenario.objectives}
        for language in LANGUAGES:
            book = phrases(language)
            assert {f"{scenario.kind}.{item.name}" for item in scenario.guardrails} <= set(book)
            for move in moves:
                assert set(book[f"{scenario.kind}.{move.name}"]) == {"cue", "low", "mid", "high", "good", "bad"}


@pytest.mark.parametrize(("sessions", "days"), [(0, 5), (5, -1)])
def test_impossible_requests_are_refused(catalog: Catalog, tmp_path: Path, sessions: int, days: int) -> None:
    with pytest.raises(ValueError, match=r"sessions|first day"):
        simulator.generate(catalog, sessions, 1, DAY, DAY + timedelta(days=days), tmp_path)


def test_a_catalog_that_cannot_be_played_says_so(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no scenario of a kind"):
        simulator.generate(replace(catalog, scenarios={}), 5, 1, DAY, DAY, tmp_path)


def test_one_session_on_one_day(catalog: Catalog, tmp_path: Path) -> None:
    assert simulator.generate(catalog, 1, 1, DAY, DAY, tmp_path, videos=0).counts["sessions"] == 1


def test_a_share_is_a_share() -> None:
    with pytest.raises(ValueError, match="relay"):
        Uglies(relay=2)
