"""Many tests at once: Benjamini and Hochberg's step-up over declared families."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl


def bh(p_values: Sequence[float]) -> np.ndarray:
    """Adjusted p-values (q), in the order given; controls the share of false discoveries under positive dependence."""
    p = np.asarray(p_values, float)
    order = np.argsort(p)
    ranked = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.minimum(np.minimum.accumulate(ranked[::-1])[::-1], 1.0)
    answer = np.empty_like(adjusted)
    answer[order] = adjusted
    return answer


def judge(links: pl.DataFrame, families: Mapping[str, Sequence[str]], level: float) -> pl.DataFrame:
    """Add ``family``, ``in_family``, ``q_value`` and ``significant``.

    ``families`` maps a name to the methods whose tests are judged together. A suppressed row is no test; a method
    that no family names has no q-value and is never called significant.
    """
    named = {method: family for family, methods in families.items() for method in methods}
    rows = links.with_columns(
        family=pl.col("method").replace_strict(named, default=None, return_dtype=pl.String),
        _row=pl.int_range(pl.len()),
    )
    tested = rows.filter(pl.col("family").is_not_null() & pl.col("p_value").is_not_null() & ~pl.col("suppressed"))
    parts = [
        part.select("_row", q_value=pl.Series(bh(part["p_value"].to_list())), in_family=pl.lit(part.height, pl.Int64))
        for part in tested.partition_by("family")
    ]
    empty = pl.DataFrame(schema={"_row": pl.Int64, "q_value": pl.Float64, "in_family": pl.Int64})
    found = pl.concat([empty, *parts])
    return rows.join(found, on="_row", how="left").drop("_row").with_columns(significant=pl.col("q_value") <= level)
