"""The intervals hold what they promise: the true mean lies in them about 95 times in a hundred."""

from datetime import UTC, date, datetime

import duckdb
import numpy as np
import polars as pl
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from assets.marts.tables import register_reference, select, t_quantiles


def trend_of(attempts: pl.DataFrame) -> pl.DataFrame:
    with duckdb.connect() as con:
        con.execute("set threads = 1")
        con.execute("set TimeZone = 'UTC'")
        register_reference(con, {})
        con.register("attempts_frame", attempts)
        con.execute("create table attempts as select * from attempts_frame")
        return con.sql(select("competency_trend")).pl()


def attempts(scores: np.ndarray, learners: np.ndarray, study: np.ndarray) -> pl.DataFrame:
    """One competency a study; one attempt with one score each."""
    return pl.DataFrame(
        {
            "tenant": ["t"] * len(scores),
            "session_id": [f"s{n}" for n in range(len(scores))],
            "week": [date(2026, 8, 3)] * len(scores),
            "competency": study.astype(str),
            "region": ["A"] * len(scores),
            "scenario_id": ["x"] * len(scores),
            "learner_key": learners.astype(str),
            "n_scores": np.ones(len(scores), int),
            "total": scores,
            "squares": scores**2,
        }
    )


@pytest.mark.parametrize(
    ("people", "visits", "floor"),
    [(12, "equal", 0.93), (12, "unequal", 0.92), (40, "unequal", 0.93)],
    ids=["12 learners, 4 attempts each", "12 learners, 1 to 12 attempts", "40 learners, 1 to 12 attempts"],
)
def test_cluster_interval_covers_the_true_mean(people: int, visits: str, floor: float) -> None:
    """1,500 simulated studies: people differ (sd 0.1), attempts scatter (sd 0.1), the true mean is 0.5."""
    rng = np.random.default_rng(7)
    studies = 1500
    counts = np.full((studies, people), 4) if visits == "equal" else rng.integers(1, 13, (studies, people))
    levels = rng.normal(0.5, 0.1, (studies, people))
    scores = np.repeat(levels.ravel(), counts.ravel())
    scores = scores + rng.normal(0, 0.1, scores.size)
    learners = np.repeat(np.tile(np.arange(people), studies), counts.ravel())
    study = np.repeat(np.repeat(np.arange(studies), people), counts.ravel())
    rows = trend_of(attempts(scores, learners, study)).filter(pl.col("region") == "*", pl.col("scenario_id") == "*")
    coverage = rows.select(((pl.col("lower") <= 0.5) & (pl.col("upper") >= 0.5)).mean()).item()
    assert rows.height == studies
    assert floor <= coverage <= 0.975, coverage


def test_an_interval_that_forgot_the_learners_would_be_far_too_narrow() -> None:
    """Why we cluster: with twelve people at 40 attempts, the plain interval holds the truth less than half the time."""
    rng = np.random.default_rng(3)
    levels = rng.normal(0.5, 0.1, (400, 12))
    scores = levels[:, :, None] + rng.normal(0, 0.1, (400, 12, 40))
    flat = scores.reshape(400, -1)
    half = 1.96 * flat.std(axis=1, ddof=1) / np.sqrt(flat.shape[1])
    assert (np.abs(flat.mean(axis=1) - 0.5) <= half).mean() < 0.5


def test_quantiles_are_those_of_the_t_distribution() -> None:
    table = t_quantiles()
    assert table["df"].to_list()[:3] == [1, 2, 3]
    assert table.filter(pl.col("df") == 9)["quantile"].item() == pytest.approx(stats.t.ppf(0.975, 9))
    assert table["quantile"].is_sorted(descending=True)


@pytest.mark.parametrize(("hits", "of"), [(0, 12), (1, 12), (7, 12), (12, 12), (250, 1000)])
def test_wilson_interval_of_objectives(hits: int, of: int) -> None:
    sessions = pl.DataFrame(
        {
            "tenant": ["t"] * of,
            "session_id": [f"s{n}" for n in range(of)],
            "day": [date(2026, 8, 3)] * of,
            "scenario_id": ["x"] * of,
            "scenario_version": ["1"] * of,
            "learner_key": [f"l{n}" for n in range(of)],
            "is_test": [False] * of,
            "learner_turns": [5] * of,
            "started_at": [datetime(2026, 8, 3, tzinfo=UTC)] * of,
        }
    )
    done = sessions.head(hits).select(
        "tenant", "session_id", "day", "scenario_id", "scenario_version", objective=pl.lit("o"), at_s=pl.lit(9.0),
        not_found=pl.lit(0),
    )  # fmt: skip
    watch = pl.DataFrame(
        {"scenario_id": ["x"], "scenario_version": ["1"], "kind": ["objective"], "name": ["o"], "position": [0]}
    )
    with duckdb.connect() as con:
        for name, frame in {"sessions": sessions, "completions": done, "watchpoints": watch}.items():
            con.register(f"{name}_frame", frame)
            con.execute(f"create table {name} as select * from {name}_frame")
        row = con.sql(select("objective_funnel")).pl().row(0, named=True)
    lower, upper = proportion_confint(hits, of, method="wilson")
    assert row["reached"] == hits
    assert row["lower"] == pytest.approx(lower, abs=1e-5)
    assert row["upper"] == pytest.approx(upper, abs=1e-5)
