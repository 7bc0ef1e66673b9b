"""Growth by a mixed model, from the sums of each learner, and by first k against last k attempts.

``score = version + b · (attempt - 1) + c · mean(attempt - 1) + u0 + u1 · (attempt - 1) + e``, u0 and u1 normal by
learner. Versions of rubric and scorer are fixed effects, so that a new scorer is no growth; the learner's own mean of
attempts (Mundlak) keeps apart that able people practise more. The likelihood needs only sums by learner and version,
so a million sessions take no longer than the learners behind them.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import optimize, special

from assets.statistics.correlation import Estimate, Z

SMALLEST = 20  # learners with at least two attempts; below that variances of slopes are guesses


@dataclass(frozen=True)
class Growth:
    """Points (0 to 1) per attempt, and how much learners differ in it."""

    slope: Estimate
    slope_sd: float


@dataclass(frozen=True)
class _Sums:
    """By learner X'Z (one matrix a column of Z), Z'Z and Z'y, over all X'X, X'y, y'y and n; Z is (1, attempt - 1)."""

    xx: np.ndarray
    xz: np.ndarray
    xy: np.ndarray
    zz: np.ndarray
    zy: np.ndarray
    yy: float
    n: int


def mixed_model(spells: pl.DataFrame) -> Growth | None:
    """Restricted maximum likelihood over spells (learner_key, version, n, x, xx, y, xy, yy); None where too little.

    Columns are sums over one learner's attempts under one version, of x = attempt - 1 and of the score y.
    """
    learners = spells.group_by("learner_key").agg(pl.col("n").sum())
    if learners.filter(pl.col("n") > 1).height < SMALLEST:
        return None
    sums = _sums(spells)
    start = np.array([np.log(1.0), np.log(0.1), 0.0])  # log of both spreads, covariance; in residual sds
    with np.errstate(all="ignore"):
        found = optimize.minimize(
            lambda theta: _deviance(theta, sums)[0], start, method="L-BFGS-B",
            bounds=[(-8, 4), (-10, 3), (-5, 5)], options={"ftol": 1e-11},
        )  # fmt: skip
        _, beta, covariance, sigma2 = _deviance(found.x, sums)
    slope, se = float(beta[-2]), float(np.sqrt(covariance[-2, -2]))
    if not np.isfinite(slope) or not np.isfinite(se) or se == 0:
        return None
    p = 2 * float(special.ndtr(-abs(slope / se)))
    ratio = _factor(found.x)
    return Growth(Estimate(slope, slope - Z * se, slope + Z * se, p), float(np.sqrt(sigma2 * (ratio @ ratio.T)[1, 1])))


def _sums(spells: pl.DataFrame) -> _Sums:
    frame = spells.with_columns(
        _g=pl.col("learner_key").rank("dense").cast(pl.Int64) - 1,
        _v=pl.col("version").rank("dense").cast(pl.Int64) - 1,
        _m=pl.col("x").sum().over("learner_key") / pl.col("n").sum().over("learner_key"),
    )
    g, v = frame["_g"].to_numpy(), frame["_v"].to_numpy()
    n, x, xx, y, xy, m = (frame[name].cast(pl.Float64).to_numpy() for name in ("n", "x", "xx", "y", "xy", "_m"))
    groups, versions = int(g.max()) + 1, int(v.max()) + 1
    p = versions + 2  # versions, attempt, the learner's mean attempt

    def by(values: np.ndarray) -> np.ndarray:
        return np.bincount(g, values, groups)

    a_xx, a_xz, a_xy = np.zeros((groups, p, p)), np.zeros((groups, p, 2)), np.zeros((groups, p))
    a_zz, a_zy = np.zeros((groups, 2, 2)), np.zeros((groups, 2))
    np.add.at(a_xx, (g, v, v), n)
    for left, values in ((p - 2, x), (p - 1, n * m)):
        np.add.at(a_xx, (g, v, np.full_like(v, left)), values)
        np.add.at(a_xx, (g, np.full_like(v, left), v), values)
    a_xx[:, p - 2, p - 2], a_xx[:, p - 1, p - 1] = by(xx), by(n * m * m)
    a_xx[:, p - 2, p - 1] = a_xx[:, p - 1, p - 2] = by(x * m)
    np.add.at(a_xz, (g, v, np.zeros_like(v)), n)
    np.add.at(a_xz, (g, v, np.ones_like(v)), x)
    a_xz[:, p - 2, 0], a_xz[:, p - 2, 1] = by(x), by(xx)
    a_xz[:, p - 1, 0], a_xz[:, p - 1, 1] = by(n * m), by(x * m)
    np.add.at(a_xy, (g, v), y)
    a_xy[:, p - 2], a_xy[:, p - 1] = by(xy), by(y * m)
    a_zz[:, 0, 0], a_zz[:, 1, 1] = by(n), by(xx)
    a_zz[:, 0, 1] = a_zz[:, 1, 0] = by(x)
    a_zy[:, 0], a_zy[:, 1] = by(y), by(xy)
    return _Sums(
        a_xx.sum(0),
        np.ascontiguousarray(a_xz.transpose(2, 1, 0)),
        a_xy.sum(0),
        a_zz,
        a_zy,
        float(frame["yy"].sum()),
        int(n.sum()),
    )


def _factor(theta: np.ndarray) -> np.ndarray:
    """Cholesky factor of the random effects' covariance, in units of the residual variance."""
    return np.array([[np.exp(theta[0]), 0.0], [theta[2], np.exp(theta[1])]])


def _woodbury(theta: np.ndarray, zz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """By learner the elements (0,0), (0,1) and (1,1) of L (I + L'Z'Z L)⁻¹ L', and the determinant of the bracket.

    Written out, because a product of ten thousand small matrices takes ten times as long.
    """
    (a, _), (c, d) = _factor(theta)
    s, t, u = zz[:, 0, 0], zz[:, 0, 1], zz[:, 1, 1]
    upper, side, lower = 1 + a * a * s + 2 * a * c * t + c * c * u, d * (a * t + c * u), 1 + d * d * u
    determinant = upper * lower - side * side
    v00, v01, v11 = lower / determinant, -side / determinant, upper / determinant
    left, right = c * v00 + d * v01, c * v01 + d * v11
    return a * a * v00, a * left, c * left + d * right, determinant


def _deviance(theta: np.ndarray, sums: _Sums) -> tuple[float, np.ndarray, np.ndarray, float]:
    """-2 × the restricted log-likelihood (up to a constant), fixed effects, their covariance, residual variance.

    With V = I + Z L L' Z', Woodbury gives A'V⁻¹B = A'B - A'Z L (I + L'Z'Z L)⁻¹ L'Z'B.
    """
    m00, m01, m11, determinant = _woodbury(theta, sums.zz)
    xz0, xz1, zy0, zy1 = sums.xz[0], sums.xz[1], sums.zy[:, 0], sums.zy[:, 1]
    first, second = m00 * xz0 + m01 * xz1, m01 * xz0 + m11 * xz1
    xvx = sums.xx - first @ xz0.T - second @ xz1.T
    xvy = sums.xy - first @ zy0 - second @ zy1
    yvy = sums.yy - float((m00 * zy0 * zy0 + 2 * m01 * zy0 * zy1 + m11 * zy1 * zy1).sum())
    spectrum, vectors = np.linalg.eigh(xvx)
    known = spectrum > spectrum[-1] * 1e-12  # a version nobody else was scored under has no effect of its own
    spectrum, vectors = spectrum[known], vectors[:, known]
    inverse = (vectors / spectrum) @ vectors.T
    beta = inverse @ xvy
    free = sums.n - len(spectrum)
    sigma2 = max(yvy - float(xvy @ beta), 1e-12) / free
    value = np.log(determinant).sum() + free * np.log(sigma2) + np.log(spectrum).sum()
    return float(value), beta, sigma2 * inverse, sigma2


def first_last(spells: pl.DataFrame) -> Estimate | None:
    """Mean of last k minus first k attempts within the version that each learner practised most under (t interval)."""
    best = (
        spells.filter(pl.col("n") >= 2)
        .sort("n", "version", descending=True)
        .unique("learner_key", keep="first", maintain_order=True)
    )
    return mean_of((best["last_mean"] - best["first_mean"]).to_numpy())


def mean_of(values: np.ndarray) -> Estimate | None:
    """A mean of independent values with its t interval; None below two values or without any spread."""
    n = len(values)
    if n < 2 or np.ptp(values) == 0:
        return None
    mean, se = float(values.mean()), float(values.std(ddof=1) / np.sqrt(n))
    half = float(special.stdtrit(n - 1, 0.975)) * se
    return Estimate(mean, mean - half, mean + half, 2 * float(special.stdtr(n - 1, -abs(mean / se))))


def rows(spells: pl.DataFrame, minimum: int) -> list[dict[str, object]]:
    """One row per competency, region (and all) and estimator, for ``competency_growth``."""
    found: list[dict[str, object]] = []
    for (tenant, competency), part in spells.partition_by("tenant", "competency", as_dict=True).items():
        regions = [("*", part), *((key[0], each) for key, each in part.partition_by("region", as_dict=True).items())]
        for region, own in sorted(regions, key=lambda pair: str(pair[0])):
            key = {"tenant": tenant, "region": region, "competency": competency}
            found += [key | row for row in _estimates(own, minimum)]
    return found


def _estimates(own: pl.DataFrame, minimum: int) -> list[dict[str, object]]:
    repeated = own.filter(pl.col("n") >= 2)
    counts = {"n_learners": own["learner_key"].n_unique(), "n_scores": int(own["n"].sum())}
    paired = {"n_learners": repeated["learner_key"].n_unique(), "n_scores": int(repeated["n"].sum())}
    model = mixed_model(own) if counts["n_learners"] >= minimum else None
    mixed = {
        "method": "mixed_model",
        "unit": "per_attempt",
        "slope_sd": model.slope_sd if model else None,
        "assumptions": "linear_in_attempt normal_learner_effects version_effects_additive",
    }
    ends = {
        "method": "first_last_k",
        "unit": "last_minus_first",
        "slope_sd": None,
        "assumptions": "independent_learners same_version",
    }
    return [
        counts | mixed | described(model.slope if model else None),
        paired | ends | described(first_last(own)),
    ]


def described(estimate: Estimate | None) -> dict[str, object]:
    """The columns of an estimate, null where there is none; growth compares a learner with themself."""
    return {
        "estimate": estimate.value if estimate else None,
        "lower": estimate.lower if estimate else None,
        "upper": estimate.upper if estimate else None,
        "p_value": estimate.p_value if estimate else None,
        "label": "within_person",
    }
