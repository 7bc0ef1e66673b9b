"""What a learner had practised before an outcome: never a score from after it."""

from datetime import timedelta

import polars as pl

from assets.statistics.fixest import feols

WINDOW = 3  # scores in a level: one alone is mostly noise
CAP = 12  # rehearsals from which the curve counts as flat


def numbered(scores: pl.DataFrame) -> pl.DataFrame:
    """Add ``attempt`` (1, 2, … by learner and skill) and ``level``, the mean of the last three scores so far."""
    by = ["learner_key", "skill"]
    return scores.sort(*by, "started_at").with_columns(
        attempt=pl.int_range(1, pl.len() + 1).over(by),
        level=pl.col("score").rolling_mean(WINDOW, min_samples=1).over(by),
    )


def before(outcomes: pl.DataFrame, scores: pl.DataFrame, lag_days: int = 0) -> pl.DataFrame:
    """Each outcome beside what came before it, one row per outcome and skill.

    ``outcomes`` has outcome_id, learner_key and cutoff_at (when the deal was created, else when it occurred);
    ``scores`` comes from ``numbered``. Adds ``attempts`` (0 where none came before) and ``level`` (null where none
    did). A learner without any score in the skill has no rows: nothing is known of them.
    """
    known = scores.select("learner_key", "skill").unique()
    wanted = outcomes.join(known, on="learner_key").with_columns(
        _until=pl.col("cutoff_at") - timedelta(days=lag_days, microseconds=1)
    )
    found = wanted.sort("_until").join_asof(
        scores.select("learner_key", "skill", "started_at", "attempt", "level").sort("started_at"),
        left_on="_until",
        right_on="started_at",
        by=["learner_key", "skill"],
        strategy="backward",
        check_sortedness=False,
    )
    return found.with_columns(attempts=pl.col("attempt").fill_null(0)).drop("_until", "started_at", "attempt")


def running_means(scores: pl.DataFrame) -> pl.DataFrame:
    """``level`` as the mean of every score so far: for criteria, whose single values say little."""
    by = ["learner_key", "skill"]
    so_far = pl.col("score").cum_sum().over(by) / pl.int_range(1, pl.len() + 1).over(by)
    return scores.sort(*by, "started_at").with_columns(attempt=pl.int_range(1, pl.len() + 1).over(by), level=so_far)


def curve(scores: pl.DataFrame) -> pl.DataFrame | None:
    """What ``rehearsals`` 0, 1, … ``CAP`` add to the first score, on average and within learners.

    ``scores`` holds one skill, numbered, with ``version`` (rubric and scorer). Learner and version are fixed effects,
    so neither who stays nor a new scorer bends the curve. None where nobody has two attempts or versions explain all.
    """
    data = scores.filter(pl.len().over("learner_key") > 1).select(
        "learner_key", "version", "score", step=pl.min_horizontal(pl.col("attempt") - 1, pl.lit(CAP))
    )
    steps = sorted(data["step"].unique().to_list())
    if len(steps) < 2:
        return None
    names = [f"step_{step}" for step in steps[1:]]
    design = data.with_columns((pl.col("step") == step).cast(pl.Float64).alias(f"step_{step}") for step in steps[1:])
    fit = feols(f"score ~ {' + '.join(names)} | learner_key + version", design)
    if fit is None or any(name not in fit.coef().index for name in names):
        return None
    found = fit.coef()
    return pl.DataFrame(
        {"rehearsals": steps, "gain": [0.0, *(float(found[name]) for name in names)]},
        schema={"rehearsals": pl.Int64, "gain": pl.Float64},
    )


def along(panel: pl.DataFrame, gains: pl.DataFrame) -> pl.DataFrame:
    """Add ``gain``: what the rehearsals before the outcome are worth on the curve."""
    last = int(gains["rehearsals"].max())  # type: ignore[arg-type]
    return panel.with_columns(rehearsals=pl.min_horizontal(pl.col("attempts").cast(pl.Int64), pl.lit(last))).join(
        gains, on="rehearsals", how="left"
    )
