"""Where practice began at different times: an event study that only compares with those who had not begun yet."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from assets.statistics.correlation import Estimate
from assets.statistics.fixest import feols

REACH = 6  # months before and after that are told apart
SMALLEST_WAVE = 10


@dataclass(frozen=True)
class Study:
    """Effects by month since practice began; ``pre_trend_p`` is the joint test that there was none before."""

    periods: dict[int, tuple[Estimate, int]]
    pre_trend_p: float | None


def event_study(panel: pl.DataFrame) -> Study | None:
    """Sun and Abraham's interaction-weighted estimate over months; None without two waves or a month before.

    ``panel`` has learner_key, unit, occurred_at, y and first_at (start of the first scored session, null for never).
    """
    months = panel.filter(pl.col("y").is_not_null()).select(
        "learner_key",
        "y",
        person=pl.concat_str("learner_key", pl.col("unit").fill_null(""), separator=" "),
        month=pl.col("occurred_at").dt.year().cast(pl.Int64) * 12 + pl.col("occurred_at").dt.month(),
        wave=pl.col("first_at").dt.year().cast(pl.Int64) * 12 + pl.col("first_at").dt.month(),
    )
    if months.is_empty():
        return None
    # The last wave is the group not treated yet, up to the month in which it begins itself.
    sizes = months.group_by("wave").agg(n=pl.col("learner_key").n_unique()).filter(pl.col("n") >= SMALLEST_WAVE)
    waves = sorted(wave for wave in sizes["wave"].to_list() if wave is not None)
    never = sizes.filter(pl.col("wave").is_null()).height > 0
    if not never and waves:
        months = months.filter(pl.col("month") < waves[-1])
        months = months.with_columns(wave=pl.when(pl.col("wave") < waves[-1]).then("wave"))
        waves = waves[:-1]
    first = int(months["month"].min() or 0)  # type: ignore[arg-type]
    waves = [wave for wave in waves if wave > first]
    months = months.filter(pl.col("wave").is_null() | pl.col("wave").is_in(waves))
    if not waves or months.filter(pl.col("wave").is_null()).is_empty():
        return None
    return _fit(months, waves)


def _fit(months: pl.DataFrame, waves: list[int]) -> Study | None:
    since = (pl.col("month") - pl.col("wave")).clip(-REACH, REACH)
    data = months.with_columns(since=since)
    cells = (
        data.filter(pl.col("wave").is_in(waves) & (pl.col("since") != -1))
        .group_by("wave", "since")
        .agg(n=pl.len(), learners=pl.col("learner_key").n_unique())
        .sort("wave", "since")
    )
    names = {(w, s): f"w{w}_{'m' if s < 0 else 'p'}{abs(s)}" for w, s in cells.select("wave", "since").iter_rows()}
    data = data.with_columns(
        ((pl.col("wave") == w) & (pl.col("since") == s)).fill_null(value=False).cast(pl.Float64).alias(name)
        for (w, s), name in names.items()
    )
    fit = feols(f"y ~ {' + '.join(names.values())} | person + month", data, vcov={"CRV1": "learner_key"})
    if fit is None:
        return None
    kept = list(fit.coef().index)
    covariance, beta = np.asarray(fit._vcov), fit.coef().to_numpy()
    weights: dict[int, np.ndarray] = {}
    learners: dict[int, int] = {}
    for w, s, n, people in cells.iter_rows():
        if names[w, s] in kept:
            weights.setdefault(s, np.zeros(len(kept)))[kept.index(names[w, s])] = n
            learners[s] = learners.get(s, 0) + people
    clusters = months["learner_key"].n_unique()
    found = {s: (_combined(each / each.sum(), beta, covariance, clusters), learners[s]) for s, each in weights.items()}
    before = [each / each.sum() for s, each in weights.items() if s < -1]
    return Study(dict(sorted(found.items())), _joint(np.array(before), beta, covariance) if before else None)


def _combined(weight: np.ndarray, beta: np.ndarray, covariance: np.ndarray, clusters: int) -> Estimate:
    value, se = float(weight @ beta), float(np.sqrt(weight @ covariance @ weight))
    half = float(special.stdtrit(clusters - 1, 0.975)) * se
    p = 2 * float(special.stdtr(clusters - 1, -abs(value / se))) if se > 0 else 1.0
    return Estimate(value, value - half, value + half, p)


def _joint(weights: np.ndarray, beta: np.ndarray, covariance: np.ndarray) -> float:
    values = weights @ beta
    wald = float(values @ np.linalg.pinv(weights @ covariance @ weights.T) @ values)
    return float(special.chdtrc(len(values), wald))
