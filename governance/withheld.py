"""Counters of what the gate withheld, for data health and for the audit report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from governance.state import State
from governance.state.bulk import add_up
from governance.state.models import WithheldRow

TABLE = WithheldRow.__table__.c
WITHHELD = {
    "tenant": pl.String,
    "day": pl.Date,
    "jurisdiction": pl.String,
    "signal_class": pl.String,
    "policy_version": pl.String,
    "count": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class Withheld:
    """Fields that the gate dropped from one delivery, or from many of one day and jurisdiction.

    ``day`` is the UTC day of receipt, ``jurisdiction`` the row of the policy that applied.
    """

    tenant: str
    day: date
    jurisdiction: str
    policy_version: str
    dropped: Mapping[str, int]


def record_withheld(session: Session, items: Iterable[Withheld]) -> None:
    """Add to the counters, in the caller's transaction: whoever stores the delivery also counts it once."""
    totals: dict[tuple[str, date, str, str, str], int] = {}
    for item in items:
        for signal_class, count in item.dropped.items():
            place = (item.tenant, item.day, item.jurisdiction, signal_class, item.policy_version)
            totals[place] = totals.get(place, 0) + count
    names = ("tenant", "day", "jurisdiction", "signal_class", "policy_version")
    # Sorted, so that two writers take PostgreSQL's row locks in the same order.
    rows = [dict(zip(names, place, strict=True)) | {"count": count} for place, count in sorted(totals.items())]
    add_up(session, WithheldRow, rows, "count")


def withheld_frame(state: State, tenant: str | None = None) -> pl.DataFrame:
    """One row per tenant, day, jurisdiction, signal class and policy version."""
    query = select(*(TABLE[name] for name in WITHHELD)).order_by(*(TABLE[name] for name in WITHHELD if name != "count"))
    if tenant is not None:
        query = query.where(TABLE.tenant == tenant)
    with state.reading() as session:
        return pl.DataFrame(session.execute(query).all(), schema=WITHHELD, orient="row")
