"""Real input: 900 negotiations become 1,800 sessions whose counts equal those taken from the file."""

import os
from pathlib import Path

import pytest
from scipy import stats
from support import casino
from support.command import ROOT, Command

SOURCE = ROOT.parent / "shared" / "data" / "casino_train.json"

pytestmark = pytest.mark.skipif(
    not SOURCE.exists(), reason="the CaSiNo file is not beside this checkout (../shared/data/casino_train.json)"
)


def number(rolecall: Command, sql: str) -> int:
    return rolecall.value(sql, "--tenant", casino.TENANT)


@pytest.fixture(scope="module")
def rolecall(tmp_path_factory: pytest.TempPathFactory) -> Command:
    folder = tmp_path_factory.mktemp("casino")
    bundles, outcomes = casino.convert(SOURCE, folder / "input")
    command = Command(folder / "home")
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


def test_counts_equal_those_of_the_file(rolecall: Command, dialogues: list[casino.Dialogue]) -> None:
    wanted = expected(dialogues)
    assert {sql: number(rolecall, sql) for sql in wanted} == wanted


@pytest.mark.parametrize("strategy", casino.STRATEGIES)
def test_scores_sum_to_the_experts_labels(rolecall: Command, dialogues: list[casino.Dialogue], strategy: str) -> None:
    labels = sum(
        casino.strategy_counts(dialogue, agent)[strategy]
        for dialogue in dialogues
        if dialogue["annotations"]
        for agent in dialogue["participant_info"]
    )
    sql = f"select sum(score)::bigint as n from criterion_scores where criterion_id = '{strategy}'"
    assert number(rolecall, sql) == labels


def test_outcomes_sum_to_the_files_points(rolecall: Command, dialogues: list[casino.Dialogue]) -> None:
    points = sum(
        person["outcomes"]["points_scored"]
        for dialogue in dialogues
        for person in dialogue["participant_info"].values()
    )
    assert number(rolecall, "select sum(value)::bigint as n from outcomes where kind = 'x-points'") == points


@pytest.mark.parametrize("kind", ["points", "satisfaction", "likeness"])
@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_links_are_the_correlations_that_scipy_finds_in_the_file(
    rolecall: Command, dialogues: list[casino.Dialogue], kind: str, method: str
) -> None:
    annotated = [
        (casino.strategy_counts(dialogue, agent), casino.outcomes(dialogue, agent))
        for dialogue in dialogues
        if dialogue["annotations"]
        for agent in dialogue["participant_info"]
    ]
    results = [{row["kind"]: row["value"] for row in rows}[f"x-{kind}"] for _, rows in annotated]
    rows = rolecall.rows(
        "select exposure, estimate, n_learners from outcome_links"
        f" where outcome = 'x-{kind}' and method = '{method}' and starts_with(exposure, 'criterion:')",
        "--tenant",
        casino.TENANT,
    )
    found = {row["exposure"].rsplit("/", 1)[1]: row for row in rows}
    assert set(found) == set(casino.STRATEGIES)
    correlate = stats.pearsonr if method == "pearson" else stats.spearmanr
    for strategy, row in found.items():
        theirs = correlate([counts[strategy] for counts, _ in annotated], results).statistic
        assert row["estimate"] == pytest.approx(theirs, abs=0.00005)
        assert row["n_learners"] == len(annotated)


def test_the_same_ingest_again_changes_nothing(rolecall: Command, tmp_path: Path) -> None:
    home = rolecall.home
    before = {path: path.stat().st_mtime_ns for path in (home / "lake").rglob("*.parquet")}
    version = os.path.realpath(home / "marts" / casino.TENANT / "current")
    bundles, outcomes = casino.convert(SOURCE, tmp_path)
    rolecall("ingest", str(bundles), "--outcomes", str(outcomes), "--tenant", casino.TENANT)
    rolecall("run")
    assert {path: path.stat().st_mtime_ns for path in (home / "lake").rglob("*.parquet")} == before
    assert os.path.realpath(home / "marts" / casino.TENANT / "current") == version
