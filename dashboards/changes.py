"""Intervals and changes for the rows of ``queries.periods``."""

import polars as pl

from dashboards.wording import critical, interval

PASS = "(pass)"  # noqa: S105 - the subject of the pass rate


def with_changes(frame: pl.DataFrame) -> pl.DataFrame:
    """Add ``lower``, ``upper``, ``change`` and ``change_half`` to rows of ``queries.periods``, on 0 to 1."""
    rows = []
    for row in frame.iter_rows(named=True):
        mean, error = row["mean"], row["error"]
        lower, upper = (
            interval(mean, error, row["effective"]) if mean is not None and error is not None else (None, None)
        )
        changed = mean is not None and row["mean_before"] is not None and row["change_error"] is not None
        rows.append(
            row
            | {
                "lower": lower,
                "upper": upper,
                "change": mean - row["mean_before"] if changed else None,
                "change_half": critical(min(row["effective"], row["effective_before"])) * row["change_error"]
                if changed
                else None,
            }
        )
    added = dict.fromkeys(("lower", "upper", "change", "change_half"), pl.Float64)
    return pl.DataFrame(rows, schema={**frame.schema, **added})
