"""Intervals and changes for the rows of ``queries.periods``."""

from typing import Any

import polars as pl

from dashboards.wording import critical, interval

PASS = "(pass)"  # noqa: S105 - the subject of the pass rate


def with_changes(frame: pl.DataFrame) -> pl.DataFrame:
    """Add ``lower``, ``upper``, ``change`` and ``change_half`` to rows of ``queries.periods``, on 0 to 1."""
    rows = [row | _change(row) for row in frame.iter_rows(named=True)]
    added = dict.fromkeys(("lower", "upper", "change", "change_half"), pl.Float64)
    return pl.DataFrame(rows, schema={**frame.schema, **added})


def _change(row: dict[str, Any]) -> dict[str, float | None]:
    mean, before = row["mean"], row["mean_before"]
    found: dict[str, float | None] = dict.fromkeys(("lower", "upper", "change", "change_half"))
    if mean is not None and row["error"] is not None:
        found["lower"], found["upper"] = interval(mean, row["error"], row["effective"])
    if mean is not None and before is not None and row["change_error"] is not None:
        found["change"] = mean - before
        found["change_half"] = critical(min(row["effective"], row["effective_before"])) * row["change_error"]
    return found
