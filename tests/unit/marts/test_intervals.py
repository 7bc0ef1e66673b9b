"""An interval holds its share to the last bit: the checks that stop publishing ask for it."""

import re

import duckdb
import pytest

from assets.marts.tables import select

SHARES = {"guardrail_board": "rate", "objective_funnel": "share", "language_parity": "share", "skill_heatmap": "share"}


@pytest.mark.parametrize(("mart", "share"), SHARES.items())
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_wilson_interval_holds_none_and_all_of_any_number(mart: str, share: str, value: float) -> None:
    (lower,) = re.findall(r"greatest\(.* / \(1 \+ zz\), \w+\), 0\)", select(mart))
    (upper,) = re.findall(r"least\(.* / \(1 \+ zz\), \w+\), 1\)", select(mart))
    counted = f"select n, {value}::double as {share}, 3.841459 / n as zz from range(1, 20000) as numbers (n)"
    outside = f"with counted as ({counted}) select n from counted where {lower} > {share} or {upper} < {share}"
    assert duckdb.sql(outside).fetchall() == []
