"""Outcome links in words: what was measured, how large the link is in a unit that people use, how far it reaches."""

import math
from typing import Any

import polars as pl

from dashboards.methods import LABELS
from dashboards.names import Names, humanise
from dashboards.wording import count, estimate

OUTCOMES = {
    "log_deal": "Deal size",
    "win": "Deals won",
    "csat": "Customer satisfaction",
    "ramp": "Ramp time",
    "retention": "Retention",
    "lms_grade": "LMS grade",
    "lms_completion": "LMS completion",
    "certification": "Certification",
}
# From the most careful to the plainest: the answer quotes the first that there is.
CAREFUL = (
    "sun_abraham", "within_learner_iv", "within_learner", "cox_time_varying", "cox_landmark", "ols_naive", "spearman",
    "pearson",
)  # fmt: skip
ITEMS = {
    "sessions": "Sessions",
    "months": "Months of practice",
    "cost": "Cost of practice",
    "deal_value": "Deal value that goes with practice",
    "return": "Return for each unit of cost",
}
NO_CAUSE = (
    "**This is no proof that practice pays.** The design does not carry a causal reading: people who practise more may "
    "differ in other ways. A roll-out at different dates would."
)


def outcome_name(code: str) -> str:
    """An outcome as people call it."""
    return OUTCOMES.get(code) or humanise(code.removeprefix("x-"))


def exposure_name(names: Names, code: str) -> str:
    """A measure of practice as people call it."""
    kind, _, name = code.partition(":")
    if kind == "competency":
        return names.competency(name)
    if kind == "criterion":
        return humanise(name)
    return {"overall": "Overall score before the outcome"}.get(code, humanise(code))


def strongest(rows: pl.DataFrame) -> dict[str, Any]:
    """The row of the most careful method."""
    order = {method: place for place, method in enumerate(CAREFUL)}
    return min(rows.iter_rows(named=True), key=lambda row: order.get(row["method"], len(order)))


def effect(row: dict[str, Any]) -> str:
    """An estimate in the unit that people use, with interval, p and q."""
    text = f"{size(row)}, n = {count(row['n_learners'], 'learner')}"
    if row.get("n_outcomes") is not None:
        text += f" and {count(row['n_outcomes'], 'outcome')}"
    if row.get("q_value") is not None:
        verdict = "below" if row["q_value"] <= 0.05 else "above"
        text += f"; q = {row['q_value']:.3f}, {verdict} the 5 % rate of false alarms"
    return text


def size(row: dict[str, Any]) -> str:
    """The estimate with its interval: logarithms and hazards as per cent, the rest as it is."""
    unit, numbers = row["unit"] or "", (row["estimate"], row["lower"], row["upper"])
    if unit.startswith("log_amount"):
        value, low, high = map(_growth, numbers)
        return estimate(value, low, high, "% deal size", 1) + _per(unit)
    if unit.startswith("log_hazard"):
        value, low, high = map(_growth, numbers)
        return estimate(value, low, high, "% faster ramp", 1) + _per(unit)
    if unit.startswith("probability"):
        value, low, high = (None if value is None else 100 * value for value in numbers)
        return estimate(value, low, high, "percentage points", 1) + _per(unit)
    name = {"r": "correlation", "": ""}.get(unit, "")
    return f"{name} {estimate(*numbers, '', 2)}".strip() + _per(unit)


def _per(unit: str) -> str:
    return " for each 10 points of level" if unit.endswith("per_10_points") else ""


def _growth(value: float | None) -> float | None:
    return None if value is None else 100 * math.expm1(value)


def sentence(names: Names, row: dict[str, Any]) -> str:
    """The answer: the most careful estimate, and how far it reaches."""
    head = f"**{outcome_name(row['outcome'])} and {exposure_name(names, row['exposure']).lower()}:** {effect(row)}."
    missing = row.get("missing_share")
    left_out = (
        "" if missing is None else f" {100 * missing:.0f} % of outcomes had no practice before them and are left out."
    )
    return f"{head} {LABELS.get(row['label'], '')}{left_out}"


def item_name(code: str) -> str:
    """An item of the return as people call it."""
    return ITEMS.get(code) or humanise(code)


def return_sentence(rows: pl.DataFrame) -> str:
    """Cost against value with its interval, and whether the design carries a causal reading."""
    items = {row["item"]: row for row in rows.iter_rows(named=True)}
    cost, value = items.get("cost"), items.get("deal_value")
    parts = []
    if cost is not None and cost["value"] is not None:
        parts.append(f"practice cost **{_money(cost['value'], cost['unit'])}**")
    if value is not None and value["value"] is not None:
        limits = ""
        if value["lower"] is not None and value["upper"] is not None:
            low, high = (_money(value[side], value["unit"]) for side in ("lower", "upper"))
            limits = f" (95 % interval {low} to {high})"
        parts.append(f"**{_money(value['value'], value['unit'])}**{limits} of deal value goes with it")
    if not parts:
        return "Costs are configured, but no effect can be put beside them yet."
    text = " and ".join(parts)
    causal = value is not None and value.get("label") == "quasi_experimental"
    reach = LABELS["quasi_experimental"] if causal else NO_CAUSE
    return f"{text[:1].upper()}{text[1:]}. {reach}"


def _money(value: Any, unit: str | None) -> str:
    return f"{count(float(value))}\u00a0{unit or ''}".strip()
