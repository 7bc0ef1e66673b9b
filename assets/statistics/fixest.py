"""The one door to pyfixest, which is imported on first use."""

import warnings
from typing import Any

import polars as pl


def feols(formula: str, data: pl.DataFrame, vcov: Any = None) -> Any:
    """Least squares with fixed effects; dropped singletons are no news, since ``n`` is counted from the data."""
    from pyfixest.estimation import feols as fit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(formula, data.to_pandas(), vcov=vcov)
