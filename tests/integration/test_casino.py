"""Real input: 900 negotiations become 1,800 sessions whose counts equal those taken from the file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import casino

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT.parent / "shared" / "data" / "casino_train.json"

pytestmark = pytest.mark.skipif(
    not SOURCE.exists(), reason="the CaSiNo file is not beside this checkout (../shared/data/casino_train.json)"
)


class Rolecall:
    """The command line over a home of its own."""

    def __init__(self, home: Path) -> None:
        self.env = os.environ | {"ROLECALL_HOME": str(home), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", *words], env=self.env, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def number(self, sql: str) -> int:
        (row,) = json.loads(self("query", sql, "--tenant", casino.TENANT, "--format", "json"))
        (value,) = row.values()
        return value


@pytest.fixture(scope="module")
def rolecall(tmp_path_factory: pytest.TempPathFactory) -> Rolecall:
    folder = tmp_path_factory.mktemp("casino")
    bundles, outcomes = casino.convert(SOURCE, folder / "input")
    command = Rolecall(folder / "home")
    command("ingest", str(bundles), "--outcomes", str(outcomes), "--tenant", casino.TENANT)
    command("run")
    return command


@pytest.fixture(scope="module")
def dialogues() -> list[casino.Dialogue]:
    return casino.read(SOURCE)


def expected(dialogues: list[casino.Dialogue]) -> dict[str, int]:
    annotated = [dialogue for dialogue in dialogues if dialogue["annotations"]]
    acts = sum(entry["text"] in casino.ACTS for dialogue in dialogues for entry in dialogue["chat_logs"])
    entries = sum(len(dialogue["chat_logs"]) for dialogue in dialogues)
    return {
        "select count(*) as n from sessions": 2 * len(dialogues),
        "select sum(turn_count)::bigint as n from sessions": 2 * (entries - acts),
        "select count(*) as n from signals": acts,
        "select count(*) as n from criterion_scores": 2 * len(annotated) * len(casino.STRATEGIES),
        "select count(*) as n from outcomes": 3 * 2 * len(dialogues),
        "select count(distinct learner_key) as n from sessions": 2 * len(dialogues),
    }


def test_counts_equal_those_of_the_file(rolecall: Rolecall, dialogues: list[casino.Dialogue]) -> None:
    wanted = expected(dialogues)
    assert {sql: rolecall.number(sql) for sql in wanted} == wanted


@pytest.mark.parametrize("strategy", casino.STRATEGIES)
def test_scores_sum_to_the_experts_labels(rolecall: Rolecall, dialogues: list[casino.Dialogue], strategy: str) -> None:
    labels = sum(
        casino.strategy_counts(dialogue, agent)[strategy]
        for dialogue in dialogues
        if dialogue["annotations"]
        for agent in dialogue["participant_info"]
    )
    sql = f"select sum(score)::bigint as n from criterion_scores where criterion_id = '{strategy}'"
    assert rolecall.number(sql) == labels


def test_outcomes_sum_to_the_files_points(rolecall: Rolecall, dialogues: list[casino.Dialogue]) -> None:
    points = sum(
        person["outcomes"]["points_scored"]
        for dialogue in dialogues
        for person in dialogue["participant_info"].values()
    )
    assert rolecall.number("select sum(value)::bigint as n from outcomes where kind = 'x-points'") == points


def test_the_same_ingest_again_changes_nothing(rolecall: Rolecall, tmp_path: Path) -> None:
    home = Path(rolecall.env["ROLECALL_HOME"])
    before = {path: path.stat().st_mtime_ns for path in (home / "lake").rglob("*.parquet")}
    version = os.path.realpath(home / "marts" / casino.TENANT / "current")
    bundles, outcomes = casino.convert(SOURCE, tmp_path)
    rolecall("ingest", str(bundles), "--outcomes", str(outcomes), "--tenant", casino.TENANT)
    rolecall("run")
    assert {path: path.stat().st_mtime_ns for path in (home / "lake").rglob("*.parquet")} == before
    assert os.path.realpath(home / "marts" / casino.TENANT / "current") == version
