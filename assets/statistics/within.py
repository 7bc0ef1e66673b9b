"""Effects of practice within the same person: learner and month held fixed, errors clustered by learner."""

import math
from typing import Any

import numpy as np
import polars as pl

from assets.statistics.correlation import Estimate
from assets.statistics.fixest import feols

SCALE = 10  # effects are told per 10 points of skill, a tenth of the 0 to 1 scale


def within_learner(panel: pl.DataFrame) -> Estimate | None:
    """Change of ``y`` per 10 points of ``x`` by two-way fixed effects; None where nothing varies within learners.

    ``panel`` has learner_key, unit (a learner's currencies are never mixed), occurred_at, y and x (0 to 1).
    """
    data = _design(panel)
    if data is None:
        return None
    unit = _unit(data)
    fit = feols("y ~ x10 | person + month", data.with_columns(pl.col("y") / unit), vcov={"CRV1": "learner_key"})
    return _estimate(fit, unit)


def naive(panel: pl.DataFrame) -> Estimate | None:
    """The same slope over all records as if they were strangers: what a spreadsheet gives. Beside, never instead."""
    rows = panel.filter(pl.col("y").is_not_null() & pl.col("x").is_not_null())
    if rows.height < 10 or rows["x"].n_unique() < 2:
        return None
    unit = _unit(rows)
    fit = feols("y ~ x10", rows.select(pl.col("y") / unit, x10=SCALE * pl.col("x")), vcov="iid")
    return _estimate(fit, unit)


def identified(panel: pl.DataFrame) -> pl.DataFrame:
    """Rows of learners with at least two records and more than one value of ``x``: the others say nothing here."""
    return panel.filter(
        pl.col("y").is_not_null() & pl.col("x").is_not_null() & (pl.col("x").n_unique().over("learner_key", "unit") > 1)
    )


def _design(panel: pl.DataFrame) -> pl.DataFrame | None:
    rows = identified(panel)
    if rows["learner_key"].n_unique() < 10:
        return None
    return panel.filter(pl.col("y").is_not_null() & pl.col("x").is_not_null()).select(
        "learner_key",
        "y",
        x10=SCALE * pl.col("x"),
        person=pl.concat_str("learner_key", pl.col("unit").fill_null(""), separator=" "),
        month=pl.col("occurred_at").dt.strftime("%Y-%m"),
    )


def _unit(rows: pl.DataFrame) -> float:
    """A power of two near the spread of ``y``, by which it divides without rounding.

    pyfixest iterates to a fixed distance, which amounts in a small currency never come to: it raises then.
    """
    spread = rows.select(pl.col("y").std()).item()
    return 2.0 ** round(math.log2(spread)) if spread is not None and 0 < spread < math.inf else 1.0


def _estimate(fit: Any | None, unit: float) -> Estimate | None:
    if fit is None or "x10" not in fit.coef().index:
        return None
    bounds = fit.confint().loc["x10"]
    value, lower, upper = (unit * float(each) for each in (fit.coef()["x10"], bounds.iloc[0], bounds.iloc[1]))
    found = Estimate(value, lower, upper, float(fit.pvalue()["x10"]))
    return found if np.isfinite([found.value, found.lower, found.upper]).all() else None
