"""Growth by a mixed model, from the sums of each learner, and by first k against last k attempts.

``score = version + b · (attempt - 1) + c · mean(attempt - 1) + u0 + u1 · (attempt - 1) + e``, u0 and u1 normal by
learner. Versions of rubric and scorer are fixed effects, so that a new scorer is no growth; the learner's own mean of
attempts (Mundlak) keeps apart that able people practise more. The likelihood needs only sums by learner and version,
so a million sessions take no longer than the learners behind them.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from assets.statistics.correlation import Estimate, Z

# The spreads are searched as three numbers: log of both, and their covariance; in residual standard deviations.
START = np.array([np.log(1.0), np.log(0.1), 0.0])
BOUNDS = np.array([-8.0, -10.0, -5.0]), np.array([4.0, 3.0, 5.0])
NUDGE = 1e-6
CLOSE = 1e-4  # steps as short as this are right, and the deviance too flat to say so
DONE = 1e-14  # of deviance that a step promises; the step itself squares what is left to go
MOST_STEPS = 200
SMALLEST = 20  # learners with at least two attempts; below that variances of slopes are guesses


@dataclass(frozen=True)
class Growth:
    """Points (0 to 1) per attempt, and how much learners differ in it."""

    slope: Estimate
    slope_sd: float


@dataclass(frozen=True)
class _Sums:
    """Products of the columns of X and, as the last one, y; Z is (1, attempt - 1).

    Learners with equally many attempts share Z'Z, and with it V: a hundred such patterns stand for any number of
    learners. Products through Z have three parts: those with z0z0', with z0z1' + z1z0', with z1z1'.
    """

    direct: np.ndarray  # column, column
    through: np.ndarray  # part, pattern, column, column
    zz: np.ndarray  # pattern, 2, 2
    learners: np.ndarray  # pattern
    n: int


@dataclass(frozen=True)
class _Fit:
    """What follows from the spreads: the deviance and its slope along them, effects, their covariance, residual."""

    deviance: float
    slope: np.ndarray
    beta: np.ndarray
    covariance: np.ndarray
    sigma2: float


def mixed_model(spells: pl.DataFrame) -> Growth | None:
    """Restricted maximum likelihood over spells (learner_key, version, n, x, xx, y, xy, yy); None where too little.

    Columns are sums over one learner's attempts under one version, of x = attempt - 1 and of the score y.
    """
    sums = _sums(spells)
    if sums.learners[sums.zz[:, 0, 0] > 1].sum() < SMALLEST:
        return None
    with np.errstate(all="ignore"):
        theta = _lowest(sums)
        fit = _fit(theta, sums)
    slope, se = float(fit.beta[-2]), float(np.sqrt(fit.covariance[-2, -2]))
    if not np.isfinite(slope) or not np.isfinite(se) or se == 0:
        return None
    p = 2 * float(special.ndtr(-abs(slope / se)))
    ratio = _factor(theta)
    spread = float(np.sqrt(fit.sigma2 * (ratio @ ratio.T)[1, 1]))
    return Growth(Estimate(slope, slope - Z * se, slope + Z * se, p), spread)


def _sums(spells: pl.DataFrame) -> _Sums:
    frame = spells.select(
        "n", "x", "xx", "y", "xy", "yy",
        g=pl.col("learner_key").rank("dense").cast(pl.Int64) - 1,
        v=pl.col("version").rank("dense").cast(pl.Int64) - 1,
    )  # fmt: skip
    g, v = frame["g"].to_numpy(), frame["v"].to_numpy()
    n, x, xx, y, xy, yy = (frame[name].cast(pl.Float64).to_numpy() for name in ("n", "x", "xx", "y", "xy", "yy"))
    own_n, own_x, own_xx, own_y, own_xy = (np.bincount(g, values) for values in (n, x, xx, y, xy))
    own_m = own_x / own_n  # the learner's mean attempt
    m = own_m[g]
    p = int(v.max()) + 3  # versions, attempt, mean attempt
    direct = np.diag([*np.bincount(v, n), xx.sum(), (n * m * m).sum(), yy.sum()])
    sides = {p - 2: x, p - 1: n * m, p: y}
    for column, values in sides.items():
        direct[: p - 2, column] = direct[column, : p - 2] = np.bincount(v, values)
    for one, other, value in ((p - 2, p - 1, x * m), (p - 2, p, xy), (p - 1, p, y * m)):
        direct[one, other] = direct[other, one] = value.sum()
    with_z = np.zeros((2, len(own_n), p + 1))
    with_z[0, g, v], with_z[1, g, v] = n, x
    with_z[:, :, p - 2] = own_x, own_xx
    with_z[:, :, p - 1] = own_n * own_m, own_x * own_m
    with_z[:, :, p] = own_y, own_xy
    zz = np.array([[own_n, own_x], [own_x, own_xx]]).transpose(2, 0, 1)
    return _Sums(direct, *_by_pattern(with_z, zz), int(n.sum()))


def _by_pattern(with_z: np.ndarray, zz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``through``, ``zz`` and ``learners`` from the products of each learner."""
    order = np.lexsort(_parts(zz))
    alike = zz[order]
    begins = np.flatnonzero(np.r_[True, (alike[1:] != alike[:-1]).any(axis=(1, 2))])
    through = np.empty((3, len(begins), with_z.shape[2], with_z.shape[2]))
    for place, own in enumerate(np.split(order, begins[1:])):
        first, second = with_z[0, own], with_z[1, own]
        across = first.T @ second
        through[:, place] = first.T @ first, across + across.T, second.T @ second
    return through, alike[begins], np.diff(np.r_[begins, len(order)])


def _factor(theta: np.ndarray) -> np.ndarray:
    """Cholesky factor of the random effects' covariance, in units of the residual variance."""
    return np.array([[np.exp(theta[0]), 0.0], [theta[2], np.exp(theta[1])]])


def _turns(factor: np.ndarray) -> np.ndarray:
    """How the random effects' covariance changes with each of the three numbers behind it."""
    (a, _), (c, d) = factor
    return np.array([[[2 * a * a, a * c], [a * c, 0]], [[0, 0], [0, 2 * d * d]], [[0, a], [a, 2 * c]]])


def _parts(symmetric: np.ndarray) -> np.ndarray:
    """The elements (0,0), (0,1) and (1,1) of 2 × 2 matrices, in front."""
    return np.stack([symmetric[..., 0, 0], symmetric[..., 0, 1], symmetric[..., 1, 1]])


def _fit(theta: np.ndarray, sums: _Sums) -> _Fit:
    """-2 × the restricted log-likelihood (up to a constant), its slope, and what it is made of.

    With C = L L' and V = I + Z C Z', Woodbury gives A'V⁻¹B = A'B - A'Z M Z'B, where M = (I + C Z'Z)⁻¹ C; and
    dM = (I + C Z'Z)⁻¹ dC (I + Z'Z C)⁻¹.
    """
    factor = _factor(theta)
    bracket = np.eye(2) + factor @ factor.T @ sums.zz
    inverse = np.linalg.inv(bracket)
    turned = inverse @ _turns(factor)[:, None]
    product = sums.direct - np.tensordot(_parts(inverse @ factor @ factor.T), sums.through)
    change = -np.tensordot(_parts(turned @ inverse.transpose(0, 2, 1)).swapaxes(0, 1), sums.through)
    spectrum, vectors = np.linalg.eigh(product[:-1, :-1])
    known = spectrum > spectrum[-1] * 1e-12  # a version nobody else was scored under has no effect of its own
    spectrum, vectors = spectrum[known], vectors[:, known]
    covariance = (vectors / spectrum) @ vectors.T
    beta = covariance @ product[:-1, -1]
    free = sums.n - len(spectrum)
    rest = max(float(product[-1, -1] - product[:-1, -1] @ beta), 1e-12)
    ends = np.array([*beta, -1.0])
    deviance = (
        (sums.learners * np.log(np.linalg.det(bracket))).sum() + free * np.log(rest / free) + np.log(spectrum).sum()
    )
    slope = (
        np.einsum("g,kgij,gji->k", sums.learners, turned, sums.zz)
        + free / rest * np.einsum("i,kij,j->k", ends, change, ends)
        + np.einsum("ij,kij->k", covariance, change[:, :-1, :-1])
    )
    return _Fit(float(deviance), slope, beta, rest / free * covariance, rest / free)


def _lowest(sums: _Sums) -> np.ndarray:
    """Where the deviance is lowest, by Newton's steps: as far as numbers go, so that equal sums give equal figures.

    A search that ends when the deviance hardly falls any more stops at a place that rounding decides: on a million
    sessions the third figure of ``slope_sd`` was made of it.
    """
    theta = START
    fit = _fit(theta, sums)
    for _ in range(MOST_STEPS):
        step = _step(theta, fit, sums)
        size, promised = np.abs(step).max(), -float(step @ fit.slope)
        theta, last = np.clip(theta + step, *BOUNDS), theta
        fit, before = _fit(theta, sums), fit
        while size > CLOSE and not fit.deviance < before.deviance:
            size, step = size / 2, step / 2
            theta = np.clip(last + step, *BOUNDS)
            fit = _fit(theta, sums)
        if promised < DONE:
            break
    return theta


def _step(theta: np.ndarray, fit: _Fit, sums: _Sums) -> np.ndarray:
    """One step down, at most 1 long; a number that would leave its bounds stays."""
    low, high = BOUNDS
    free = ~((theta <= low) & (fit.slope > 0) | (theta >= high) & (fit.slope < 0))
    bends = np.array([_fit(theta + nudge, sums).slope - fit.slope for nudge in np.eye(3) * NUDGE]) / NUDGE
    spectrum, vectors = np.linalg.eigh(((bends + bends.T) / 2)[np.ix_(free, free)])
    along = vectors.T @ fit.slope[free] / np.maximum(np.abs(spectrum), 1e-9)
    step = np.zeros(3)
    step[free] = -vectors @ along
    return step / max(1.0, float(np.abs(step).max()))


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
    """One row per competency, region (and all) and estimator, for ``competency_growth``.

    ``spells`` come in any order; sums are taken in one and the same, since their last figures depend on it.
    """
    names = ("competency", "version")
    listed = [pl.col(name).cast(pl.Enum(spells[name].unique().sort())) for name in names]
    numbered = (
        spells.with_columns(listed)
        .sort("learner_key", *names)
        .with_columns(
            pl.col("learner_key").rle_id(),  # numbers are compared faster than keys, and there are many spells
            pl.col("version").to_physical(),
        )
    )
    found: list[dict[str, object]] = []
    for (tenant, competency), part in numbered.partition_by("tenant", "competency", as_dict=True).items():
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
