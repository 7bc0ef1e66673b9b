"""Our estimators beside those of scipy, statsmodels and lifelines, on drawn data."""

import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import statsmodels.formula.api as smf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from assets.statistics import exposures, ramp, rollout
from assets.statistics.correlation import pearson, spearman
from assets.statistics.families import bh, judge
from assets.statistics.fixest import feols, shared
from assets.statistics.growth import first_last, mixed_model
from assets.statistics.within import naive, within_learner
from governance.settings import PROJECT

FIRST = datetime(2026, 1, 5, 9, tzinfo=UTC)
VALUES = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=5, max_size=60)


@given(VALUES)
@settings(max_examples=80)
def test_correlations_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(column, float) for column in zip(*pairs, strict=True))
    assume(np.ptp(x) > 0 and np.ptp(y) > 0)
    ours, theirs = pearson(x, y), stats.pearsonr(x, y)
    assert ours is not None
    assert ours.value == pytest.approx(theirs.statistic, abs=1e-9)
    if abs(ours.value) < 0.999:
        assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)
        interval = theirs.confidence_interval()
        assert (ours.lower, ours.upper) == pytest.approx((interval.low, interval.high), abs=1e-6)
    ranked = spearman(x, y)
    assert ranked is not None
    assert ranked.value == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)


def test_a_constant_column_has_no_correlation() -> None:
    assert pearson(np.ones(9), np.arange(9.0)) is None
    assert spearman(np.arange(3.0), np.arange(3.0)) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
@settings(max_examples=80)
def test_q_values_are_those_of_statsmodels(p_values: list[float]) -> None:
    assert bh(p_values) == pytest.approx(multipletests(p_values, method="fdr_bh")[1], abs=1e-12)


def test_families_are_judged_apart_and_suppressed_rows_are_no_tests() -> None:
    rows = pl.DataFrame(
        {
            "method": ["a", "a", "a", "b", "stray"],
            "p_value": [0.01, 0.04, None, 0.04, 0.0001],
            "suppressed": [False, False, True, False, False],
        }
    )
    judged = judge(rows, {"one": ["a"], "two": ["b"]}, 0.05)
    assert judged["q_value"].to_list() == [0.02, 0.04, None, 0.04, None]
    assert judged["in_family"].to_list() == [2, 2, None, 1, None]
    assert judged["significant"].to_list() == [True, True, None, True, None]


def practice(seed: int, people: int = 150) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        level, slope = rng.normal(0, 0.1), rng.normal(0.02, 0.01)
        for step in range(rng.integers(2, 12)):
            version = int(step > 4 and person % 2)
            rows.append(
                (f"l{person}", f"v{version}", step, 0.4 + level + slope * step + 0.04 * version + rng.normal(0, 0.1))
            )
    return pl.DataFrame(rows, schema=["learner_key", "version", "x", "y"], orient="row")


def spells_of(scores: pl.DataFrame) -> pl.DataFrame:
    x, y = pl.col("x"), pl.col("y")
    return scores.group_by("learner_key", "version").agg(
        n=pl.len(), xx=(x * x).sum(), xy=(x * y).sum(), yy=(y * y).sum(), x=x.sum(), y=y.sum()
    )


def test_mixed_model_from_sums_is_that_of_statsmodels_from_rows() -> None:
    scores = practice(1)
    ours = mixed_model(spells_of(scores))
    frame = scores.with_columns(m=pl.col("x").mean().over("learner_key")).to_pandas()
    theirs = smf.mixedlm("y ~ C(version) + x + m", frame, groups=frame["learner_key"], re_formula="~x").fit(reml=True)
    assert ours is not None
    assert ours.slope.value == pytest.approx(theirs.params["x"], abs=1e-5)
    assert (ours.slope.upper - ours.slope.lower) / 3.92 == pytest.approx(theirs.bse["x"], rel=0.01)
    assert ours.slope_sd == pytest.approx(np.sqrt(theirs.cov_re.loc["x", "x"]), abs=1e-3)


def test_a_mean_attempt_is_no_whole_number() -> None:
    """DuckDB sums whole numbers into decimals without places, and a quotient of these would have none either."""
    spells = spells_of(practice(1))
    decimals = spells.with_columns(pl.col("x", "xx").cast(pl.Decimal(38, 0)))
    assert mixed_model(decimals) == mixed_model(spells)


def test_rounding_decides_nothing() -> None:
    """The same sums in another order, a last digit apart: what a run over one more day sees of the days before it."""
    spells = spells_of(practice(4, 400))
    first = mixed_model(spells)
    nudged = spells.sample(fraction=1, shuffle=True, seed=1).with_columns(pl.col("y", "xy", "yy") * (1 + 2**-52))
    second = mixed_model(nudged)
    assert first is not None
    assert second is not None
    assert second.slope_sd == pytest.approx(first.slope_sd, rel=1e-9)
    for name in ("value", "lower", "upper"):
        assert getattr(second.slope, name) == pytest.approx(getattr(first.slope, name), rel=1e-9)


@pytest.mark.parametrize("learners", [25, 300])
def test_learners_who_all_gain_alike_have_no_spread_of_slopes(learners: int) -> None:
    rng = np.random.default_rng(learners)
    rows = [
        (f"l{person}", "v0", step, 0.5 + 0.02 * step + rng.normal(0, 0.1))
        for person in range(learners)
        for step in range(rng.integers(2, 9))
    ]
    found = mixed_model(spells_of(pl.DataFrame(rows, schema=["learner_key", "version", "x", "y"], orient="row")))
    assert found is not None
    assert found.slope.lower < 0.02 < found.slope.upper
    assert found.slope_sd < 0.02


def test_growth_needs_learners_who_came_back() -> None:
    assert mixed_model(spells_of(practice(2, 12))) is None


def test_first_and_last_take_the_version_practised_most_under() -> None:
    spells = pl.DataFrame(
        {
            "learner_key": ["a", "a", "b", "c"],
            "version": ["1", "2", "1", "1"],
            "n": [4, 2, 2, 1],
            "first_mean": [0.4, 0.1, 0.5, 0.2],
            "last_mean": [0.6, 0.9, 0.6, 0.2],
        }
    )
    found = first_last(spells)
    assert found is not None
    assert found.value == pytest.approx(0.15)  # (0.2 + 0.1) / 2: neither the new scorer's leap nor the single attempt


def test_only_scores_before_the_outcome_are_exposure() -> None:
    scores = exposures.numbered(
        pl.DataFrame(
            {
                "learner_key": ["a"] * 4,
                "skill": ["overall"] * 4,
                "started_at": [FIRST + timedelta(days=10 * n) for n in range(4)],
                "score": [0.1, 0.3, 0.5, 0.9],
            }
        )
    )
    outcomes = pl.DataFrame(
        {
            "outcome_id": ["early", "between", "same moment", "late"],
            "learner_key": ["a"] * 4,
            "cutoff_at": [FIRST - timedelta(days=1), FIRST + timedelta(days=15), FIRST + timedelta(days=20),
                          FIRST + timedelta(days=99)],
        }
    )  # fmt: skip
    reached = exposures.before(outcomes, scores)
    found = {row["outcome_id"]: (row["attempts"], row["level"]) for row in
             exposures.beside(outcomes, scores, reached).rows(named=True)}  # fmt: skip
    assert "early" not in set(reached["outcome_id"])
    assert found["early"] == (0, None)
    assert found["between"] == (2, pytest.approx(0.2))
    assert found["same moment"] == (2, pytest.approx(0.2))
    assert found["late"] == (4, pytest.approx(0.5667, abs=1e-3))
    lagged = exposures.before(outcomes, scores, lag_days=6)
    assert lagged.filter(pl.col("outcome_id") == "between")["attempts"].item() == 1


def test_of_a_learner_who_never_practised_nothing_is_known() -> None:
    scores = exposures.numbered(
        pl.DataFrame({"learner_key": ["a"], "skill": ["overall"], "started_at": [FIRST], "score": [0.5]})
    )
    outcomes = pl.DataFrame({"outcome_id": ["1", "2"], "learner_key": ["a", "b"], "cutoff_at": [FIRST, FIRST]})
    beside = exposures.beside(outcomes, scores, exposures.before(outcomes, scores))
    assert beside.select("outcome_id", "attempts", "level").rows() == [("1", 0, None)]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 5), st.integers(0, 4)),
                min_size=1, max_size=30), st.randoms())  # fmt: skip
@settings(max_examples=60)
def test_levels_are_those_of_each_learner_alone_in_whatever_order_scores_came(
    rows: list[tuple[str, str, int, int]], chance: random.Random
) -> None:
    def frame(given_rows: list[tuple[str, str, int, int]]) -> pl.DataFrame:
        drawn = [(who, skill, FIRST + timedelta(days=day), score / 4) for who, skill, day, score in given_rows]
        return pl.DataFrame(drawn, schema=["learner_key", "skill", "started_at", "score"], orient="row")

    shuffled = chance.sample(rows, len(rows))
    for levels in (exposures.numbered, exposures.running_means):
        found = levels(frame(rows))
        assert levels(frame(shuffled)).equals(found)
        for (who, skill), part in found.partition_by("learner_key", "skill", as_dict=True).items():
            own = sorted((day, score / 4) for one, other, day, score in rows if (one, other) == (who, skill))
            reach = exposures.WINDOW if levels is exposures.numbered else len(own)
            wanted = [np.mean([score for _, score in own[max(n + 1 - reach, 0) : n + 1]]) for n in range(len(own))]
            assert part["attempt"].to_list() == list(range(1, len(own) + 1))
            assert part["level"].to_list() == pytest.approx(wanted)


def rehearsed(seed: int, *, drifting: bool) -> pl.DataFrame:
    """Scores of forty learners; a new version comes at each one's own time, or at the third attempt of everybody."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"l{person}", "overall", f"v{int(step >= (3 if drifting else person % 7))}", FIRST + timedelta(days=step),
         0.4 + rng.normal(0, 0.1) + 0.02 * min(step, 5) + 0.1 * (step >= person % 7))
        for person in range(40)
        for step in range(rng.integers(1, 2 if drifting and person else 18))
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["learner_key", "skill", "version", "started_at", "score"], orient="row")


def test_the_curve_is_that_of_least_squares_with_learners_and_versions() -> None:
    scores = exposures.numbered(rehearsed(3, drifting=False))
    found = exposures.curve(scores)
    steps = scores.with_columns(step=pl.min_horizontal(pl.col("attempt") - 1, exposures.CAP)).to_pandas()
    theirs = smf.ols("score ~ C(step) + C(learner_key) + C(version)", steps).fit()
    assert found is not None
    assert found["rehearsals"].to_list() == list(range(exposures.CAP + 1))
    assert found["gain"].to_list() == pytest.approx(
        [0.0, *(theirs.params[f"C(step)[T.{step}]"] for step in range(1, exposures.CAP + 1))], abs=1e-9
    )


def test_a_version_that_came_with_an_attempt_leaves_no_curve() -> None:
    assert exposures.curve(exposures.numbered(rehearsed(3, drifting=True))) is None
    once = exposures.numbered(rehearsed(3, drifting=False)).filter(pl.col("attempt") == 1)
    assert exposures.curve(once) is None


def confounded(seed: int) -> pl.DataFrame:
    """The recipe of the reference: ability drives practice and deals; 10 points of mastery are worth 0.05."""
    rng = np.random.default_rng(seed)
    rows = []
    for rep in range(120):
        ability, start = rng.normal(), rng.integers(2, 7)
        begins = rng.random() > 0.25
        for quarter in range(8):
            mastery = 50 + 8 * ability + 10 * (begins and quarter >= start) + rng.normal(0, 3)
            for _ in range(rng.poisson(4)):
                amount = 9 + 0.25 * ability + 0.03 * quarter + 0.05 * mastery / 10 + rng.normal(0, 0.6)
                rows.append((f"r{rep}", "EUR", FIRST + timedelta(days=31 * quarter), amount, mastery / 100))
    return pl.DataFrame(rows, schema=["learner_key", "unit", "occurred_at", "y", "x"], orient="row")


def test_within_learner_finds_what_the_naive_slope_misses() -> None:
    hits, fooled = 0, 0
    for seed in range(12):
        panel = confounded(seed)
        honest, plain = within_learner(panel), naive(panel)
        assert honest is not None
        assert plain is not None
        hits += honest.lower <= 0.05 <= honest.upper
        fooled += plain.lower > 0.05
    assert hits >= 10
    assert fooled == 12


@pytest.mark.parametrize("currency", [1e-6, 1e6, 1e12])
def test_the_size_of_a_currency_changes_the_unit_of_an_effect_and_nothing_else(currency: float) -> None:
    panel = confounded(1)
    sized = panel.with_columns(pl.col("y") * currency)
    for method in (within_learner, naive):
        plain, found = method(panel), method(sized)
        assert plain is not None
        assert found is not None
        assert (found.value / currency, found.lower / currency, found.upper / currency, found.p_value) == pytest.approx(
            (plain.value, plain.lower, plain.upper, plain.p_value), rel=1e-5
        )


def test_nothing_varies_nothing_is_said() -> None:
    panel = confounded(1).with_columns(x=pl.lit(0.5))
    assert within_learner(panel) is None
    assert naive(panel) is None


def hired(count: int = 40) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "learner_key": [f"l{n}" for n in range(count)],
            "hire_date": [date(2026, 1, 1)] * count,
            "days": rng.integers(20, 120, count).astype(float),
            "ramped": rng.random(count) < 0.7,
        }
    )


def test_episodes_cover_each_wait_once_and_change_only_with_past_practice() -> None:
    spans = hired()
    skill = pl.DataFrame(
        {
            "learner_key": ["l0", "l0", "l1"],
            "started_at": [datetime(2026, 1, 11, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC),
                           datetime(2025, 12, 1, tzinfo=UTC)],
            "x": [0.3, 0.9, 0.2],
        }
    )  # fmt: skip
    rows = ramp.episodes(spans, skill)
    whole = rows.group_by("learner_key").agg(pl.col("start").min(), pl.col("stop").max(), pl.col("event").sum())
    joined = spans.join(whole, on="learner_key")
    assert (joined["start"] == 0).all()
    assert (joined["stop"] == joined["days"]).all()
    assert (joined["event"] == joined["ramped"].cast(pl.UInt32)).all()
    assert rows.filter(pl.col("learner_key") == "l0").select("start", "x").rows() == [(0.0, 0.0), (11.0, 0.3)]
    assert rows.filter(pl.col("learner_key") == "l1")["x"].to_list() == [0.2]


def test_whoever_is_not_ramped_is_censored_and_old_hands_are_left_out() -> None:
    learners = pl.DataFrame(
        {
            "learner_key": ["new", "waiting", "old", "lead"],
            "role": ["rep", "rep", "rep", "lead"],
            "hire_date": [date(2026, 1, 1), date(2026, 2, 1), date(2019, 1, 1), date(2026, 1, 1)],
            "left_on": [None, date(2026, 3, 3), None, None],
        }
    )
    events = pl.DataFrame({"learner_key": ["new"], "value": [60.0]})
    found = {row[0]: row[2:] for row in ramp.spans(learners, events, date(2026, 6, 1)).rows()}
    assert found == {"new": (60.0, True), "waiting": (30.0, False)}


def test_event_study_finds_a_staggered_effect_and_no_trend_before_it() -> None:
    rng = np.random.default_rng(3)
    rows = []
    for rep in range(150):
        level, wave = rng.normal(), (None, 4, 7)[rep % 3]
        for month in range(12):
            effect = 0.5 if wave is not None and month >= wave else 0.0
            began = None if wave is None else datetime(2025, wave + 1, 10, tzinfo=UTC)
            at = datetime(2025, month + 1, 20, tzinfo=UTC)
            rows.append((f"r{rep}", "EUR", at, level + 0.1 * month + effect + rng.normal(0, 0.3), began))
    study = rollout.event_study(
        pl.DataFrame(rows, schema=["learner_key", "unit", "occurred_at", "y", "first_at"], orient="row")
    )
    assert study is not None
    assert -1 not in study.periods
    assert study.pre_trend_p is not None
    assert study.pre_trend_p > 0.01
    for period, (effect, learners) in study.periods.items():
        assert learners >= 50
        assert effect.lower - 0.1 <= (0.5 if period >= 0 else 0.0) <= effect.upper + 0.1


QUIET = """
import logging
import polars as pl
from assets.statistics.fixest import feols
assert feols("y ~ x", pl.DataFrame({"y": [1.0, 2.0, 4.0, 5.0], "x": [0.0, 1.0, 0.0, 1.0]})) is not None
root = logging.getLogger()
assert (root.level, root.handlers) == (logging.WARNING, []), (root.level, root.handlers)
"""


def test_an_estimate_makes_no_library_talk() -> None:
    subprocess.run([sys.executable, "-c", QUIET], check=True, cwd=PROJECT)


def test_records_that_share_no_person_and_month_give_no_estimate() -> None:
    """One record a learner, as after a first week: pyfixest would end the process, which no caller could catch."""
    panel = pl.DataFrame(
        {
            "learner_key": [f"l{i}" for i in range(40)],
            "y": [float(i % 7) for i in range(40)],
            "x": [i % 2 / 2 for i in range(40)],
        }
    )
    assert feols("y ~ x | learner_key", panel) is None
    assert feols("y ~ x", panel) is not None


def test_leaving_one_record_out_may_leave_others_alone() -> None:
    chain = pl.DataFrame({"person": ["a", "a", "b", "b", "c"], "month": [1, 2, 2, 3, 3]})
    assert shared(chain, ["person", "month"]).is_empty()
    pairs = pl.DataFrame({"person": ["a", "a", "b", "b", "c"], "month": [1, 2, 1, 2, 2]})
    assert shared(pairs, ["person", "month"]).rows() == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
