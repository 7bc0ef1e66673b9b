"""Days from hiring to full quota: Kaplan-Meier and Cox, where practice counts only once it has happened."""

import warnings
from typing import Any

import numpy as np
import polars as pl

from assets.statistics.correlation import Estimate, Z
from assets.statistics.within import SCALE

LANDMARK_DAY = 30


def spans(learners: pl.DataFrame, outcomes: pl.DataFrame, last_day: Any) -> pl.DataFrame:
    """One row per learner whose ramp could be seen: learner_key, hire_date, days, ramped.

    ``outcomes`` are ``ramp_days`` records. Only roles and hiring dates for which anybody's ramp was ever recorded
    count; whoever is not there yet is censored at ``last_day`` or on leaving.
    """
    events = outcomes.group_by("learner_key").agg(days=pl.col("value").cast(pl.Float64).min())
    joined = learners.filter(pl.col("hire_date").is_not_null()).join(events, on="learner_key", how="left")
    seen = joined.filter(pl.col("days").is_not_null())
    if seen.is_empty():
        return joined.head(0).select("learner_key", "hire_date", "days", ramped=pl.lit(True))
    until = pl.min_horizontal(pl.col("left_on").fill_null(last_day), pl.lit(last_day))
    roles = seen["role"].unique().to_list()
    return (
        joined.filter((pl.col("hire_date") >= seen["hire_date"].min()) & pl.col("role").is_in(roles, nulls_equal=True))
        .with_columns(ramped=pl.col("days").is_not_null())
        .with_columns(days=pl.col("days").fill_null((until - pl.col("hire_date")).dt.total_days()))
        .filter(pl.col("days") > 0)
        .select("learner_key", "hire_date", "days", "ramped")
    )


def estimated_skill(scores: pl.DataFrame, gains: pl.DataFrame) -> pl.DataFrame:
    """What is known of a learner's skill after each rehearsal, from scores up to it: learner_key, started_at, x.

    Best linear prediction: the curve's gain plus the learner's mean departure from it, shrunk by its reliability, so
    that the noise of single scores does not water the effect down. Before any score it is the curve's beginning, 0.
    """
    last = int(gains["rehearsals"].max())  # type: ignore[arg-type]
    value = dict(gains.rows())
    rows = scores.sort("learner_key", "attempt").with_columns(
        _before=pl.min_horizontal(pl.col("attempt") - 1, pl.lit(last)).replace_strict(value, default=None),
        _after=pl.min_horizontal(pl.col("attempt"), pl.lit(last)).replace_strict(value, default=None),
    )
    rows = rows.with_columns(_rest=pl.col("score") - pl.col("_before"))
    rows = rows.with_columns(_rest=pl.col("_rest") - pl.col("_rest").mean().over("version"))
    own = rows.group_by("learner_key").agg(n=pl.len(), mean=pl.col("_rest").mean(), var=pl.col("_rest").var())
    repeated = own.filter(pl.col("n") > 1)
    within, n = repeated["var"].to_numpy(), repeated["n"].to_numpy()
    noise = float((within * (n - 1)).sum() / max((n - 1).sum(), 1))
    between = max(float(own["mean"].var() or 0.0) - noise * float((1 / own["n"]).mean() or 0.0), 0.0)  # type: ignore[arg-type]
    mean = pl.col("_rest").cum_sum().over("learner_key") / pl.col("attempt")
    weight = pl.col("attempt") * between / (pl.col("attempt") * between + noise) if between > 0 else pl.lit(0.0)
    return rows.select("learner_key", "started_at", x=pl.col("_after") + weight * mean)


def episodes(spans: pl.DataFrame, skill: pl.DataFrame) -> pl.DataFrame:
    """Counting-process rows: learner_key, start, stop, event, x; a new row with every rehearsal before the end."""
    changes = (
        spans.join(skill, on="learner_key")
        .with_columns(start=(pl.col("started_at").dt.date() - pl.col("hire_date")).dt.total_days().cast(pl.Float64) + 1)
        .filter((pl.col("start") > 0) & (pl.col("start") < pl.col("days")))
        .sort("learner_key", "started_at")
        .unique(["learner_key", "start"], keep="last", maintain_order=True)
        .select("learner_key", "start", "x", "days", "ramped")
    )
    early = (
        spans.join(skill, on="learner_key")
        .filter(pl.col("started_at").dt.date() < pl.col("hire_date"))
        .sort("started_at")
        .group_by("learner_key")
        .agg(x=pl.col("x").last())
    )
    first = spans.join(early, on="learner_key", how="left").select(
        "learner_key", start=pl.lit(0.0), x=pl.col("x").fill_null(0.0), days="days", ramped="ramped"
    )
    return (
        pl.concat([first, changes])
        .sort("learner_key", "start")
        .with_columns(stop=pl.col("start").shift(-1).over("learner_key").fill_null(pl.col("days")))
        .with_columns(event=pl.col("ramped") & (pl.col("stop") == pl.col("days")))
        .select("learner_key", "start", "stop", "event", "x")
    )


def cox(rows: pl.DataFrame) -> Estimate | None:
    """Log hazard ratio per 10 points of ``x`` over episodes; None below ten events or without any spread."""
    if int(rows["event"].sum()) < 10 or (rows["x"].std() or 0) == 0:  # type: ignore[operator]
        return None
    from lifelines import CoxTimeVaryingFitter
    from lifelines.exceptions import ConvergenceError

    data = rows.with_columns(x=SCALE * pl.col("x")).to_pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit = CoxTimeVaryingFitter().fit(data, "event", "start", "stop", id_col="learner_key")
        except ConvergenceError:
            return None
    row = fit.summary.loc["x"]
    value, se = float(row["coef"]), float(row["se(coef)"])
    return Estimate(value, value - Z * se, value + Z * se, float(row["p"]))


def fixed_in_hindsight(rows: pl.DataFrame) -> pl.DataFrame:
    """The mistake of immortal time: each learner's skill at the end, taken as if it had held from the first day."""
    return rows.group_by("learner_key").agg(
        start=pl.lit(0.0), stop=pl.col("stop").max(), event=pl.col("event").any(), x=pl.col("x").sort_by("stop").last()
    )


def kaplan_meier(spans: pl.DataFrame, step_days: int = 15) -> list[dict[str, Any]]:
    """The share ramped by every ``step_days``: time, n_learners (at risk), ramped_share, lower, upper, median."""
    from lifelines import KaplanMeierFitter

    days, ramped = spans["days"].to_numpy(), spans["ramped"].to_numpy()
    fit = KaplanMeierFitter().fit(days, ramped)
    median = float(fit.median_survival_time_)
    bounds = fit.confidence_interval_survival_function_
    found = []
    for time in range(0, int(days.max()) + step_days, step_days):
        at = bounds.index[bounds.index <= time].max()
        low, high = (1 - bounds.loc[at].to_numpy(float))[::-1]
        share = 1 - float(fit.survival_function_at_times(time).iloc[0])
        found.append(
            {
                "time": time,
                "n_learners": int((days >= time).sum()),
                "ramped_share": share,
                "lower": float(low) if 0 < share < 1 and np.isfinite(low) else None,
                "upper": float(high) if 0 < share < 1 and np.isfinite(high) else None,
                "median": median if np.isfinite(median) else None,
            }
        )
    return found
