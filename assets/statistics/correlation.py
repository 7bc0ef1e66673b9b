"""Plain correlations with intervals: one pair of values a learner, labelled as the association that they are."""

from dataclasses import dataclass

import numpy as np
from scipy import special

Z = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """An effect with its 95 % interval and two-sided p-value."""

    value: float
    lower: float
    upper: float
    p_value: float


def pearson(x: np.ndarray, y: np.ndarray) -> Estimate | None:
    """Pearson's r with Fisher's interval; None below four pairs or where a column is constant."""
    return _correlation(x, y, 1.0)


def spearman(x: np.ndarray, y: np.ndarray) -> Estimate | None:
    """Spearman's rho, average ranks for ties; Fisher's interval with Bonett and Wright's variance (1 + r²/2)/(n-3)."""
    return _correlation(_ranks(x), _ranks(y), None)


def _correlation(x: np.ndarray, y: np.ndarray, factor: float | None) -> Estimate | None:
    n = len(x)
    if n < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))
    if abs(r) > 1 - 1e-12:
        return Estimate(r, r, r, 0.0)
    spread = Z * np.sqrt((1 + r * r / 2 if factor is None else factor) / (n - 3))
    t = r * np.sqrt((n - 2) / (1 - r * r))
    p = 2 * float(special.stdtr(n - 2, -abs(t)))
    return Estimate(r, float(np.tanh(np.arctanh(r) - spread)), float(np.tanh(np.arctanh(r) + spread)), p)


def _ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]
