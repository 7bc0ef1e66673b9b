"""The one door to pyfixest, which is imported on first use."""

import logging
import warnings
from typing import Any

import polars as pl


def feols(formula: str, data: pl.DataFrame, vcov: Any = None) -> Any | None:
    """Least squares with fixed effects (those after ``|``); None where no two records share any of them.

    Records that stand alone in a fixed effect say nothing within it and are left out; that is no news, since ``n`` is
    counted from the data. Without any other, pyfixest's native code ends the whole process instead of raising.
    """
    fit = _library()
    if shared(data, effects(formula)).is_empty():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(formula, data.to_pandas(), vcov=vcov)


def _library() -> Any:
    """Pyfixest's ``feols``. Its import makes every library's log speak on standard error, which is taken back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    from pyfixest.estimation import feols as fit

    root.handlers[:] = handlers
    root.setLevel(level)
    return fit


def effects(formula: str) -> list[str]:
    """The fixed effects that a formula names."""
    return [name.strip() for name in formula.partition("|")[2].split("+") if name.strip()]


def shared(data: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """The rows that share each of these values with another such row: leaving one out may leave others alone."""
    left = data
    while names:
        kept = left.filter(pl.all_horizontal(pl.len().over(name) > 1 for name in names))
        if kept.height == left.height:
            break
        left = kept
    return left
