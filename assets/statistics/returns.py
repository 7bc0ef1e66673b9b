"""What a return on investment is made of: practice, its cost, and the value of deals that the effect stands for."""

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl

from governance.project import Costs

CENT = Decimal("0.01")


def rows(costs: Costs, sessions: int, months: int, won: pl.DataFrame, links: list[dict[str, Any]]) -> list[dict]:
    """Items: sessions, months, cost; and per skill whose effect on deals is known within learners, its value.

    ``won`` has value and gain (what practice added to skill by then) of won deals in the costs' currency. The value is
    what those deals would have been smaller without practice, ``amount x (1 - exp(-effect x gain))``, summed.
    """
    cost = costs.per_session * sessions + costs.per_month * months
    found = [
        _item("sessions", Decimal(sessions), None, None, "count", "counted", "descriptive"),
        _item("months", Decimal(months), None, None, "count", "counted", "descriptive"),
        _item("cost", cost, None, None, costs.currency, "costs_from_configuration", "descriptive"),
    ]
    effect = next(
        (row for row in links if row["outcome"] == "log_deal" and row["method"] == "within_learner"
         and row["exposure"] == "overall" and row["estimate"] is not None),
        None,
    )  # fmt: skip
    if effect is None or won.is_empty():
        return found
    value, low, high = (_value(won, float(effect[name])) for name in ("estimate", "lower", "upper"))
    assumptions = f"{effect['assumptions']} win_rate_unchanged one_currency"
    found.append(_item("deal_value", value, low, high, costs.currency, assumptions, str(effect["label"])))
    if cost > 0:
        ratio = [(each - cost) / cost for each in (value, low, high)]
        found.append(_item("return", ratio[0], ratio[1], ratio[2], "ratio", assumptions, str(effect["label"])))
    return found


def _value(won: pl.DataFrame, per_10_points: float) -> Decimal:
    total = sum(
        float(amount) * (1 - math.exp(-10 * per_10_points * gain))
        for amount, gain in won.select("value", "gain").rows()
    )
    return Decimal(repr(total))


def _item(
    item: str, value: Decimal, lower: Decimal | None, upper: Decimal | None, unit: str, assumptions: str, label: str
) -> dict[str, object]:
    def cents(amount: Decimal | None) -> Decimal | None:
        return None if amount is None else amount.quantize(CENT, ROUND_HALF_UP)

    return {
        "item": item,
        "value": cents(value),
        "lower": cents(lower),
        "upper": cents(upper),
        "unit": unit,
        "method": "count" if label == "descriptive" else "within_learner",
        "assumptions": assumptions,
        "label": label,
    }
