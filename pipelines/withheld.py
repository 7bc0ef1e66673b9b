"""What the signal gate withheld, and the search for what it should have: the gate, proven from what is stored.

The counters say what was dropped before the first write. The search sends everything that is stored through the gate
of today once more: whatever the gate would drop now should not be there.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from assets.contracts import TABLES
from assets.lake import Lake
from governance.state import State
from governance.withheld import withheld_frame
from integrations.engine.delivery import Refused, prepare
from integrations.engine.hidden import clean

if TYPE_CHECKING:
    from governance.policy import SignalPolicy
    from pipelines.privacy import Desk

# Texts of the lake that people or models wrote, in which a note could hide.
TEXTS = {
    "core/turns": ("text",),
    "core/signals": ("name", "reason", "payload"),
    "core/criterion_scores": ("comment",),
    "exports/xapi_statements": ("statement", "context_2_0"),
}
DELIVERIES = "raw/deliveries"
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Finding:
    """Rows of one table that hold what the policy denies in their jurisdiction."""

    table: str
    jurisdiction: str
    signal_class: str
    rows: int
    example: str


def summary(
    state: State, tenant: str, policy: "SignalPolicy", first: date | None = None, last: date | None = None
) -> pl.DataFrame:
    """One row per jurisdiction, policy version and signal class, with what the policy says of the class today."""
    frame = withheld_frame(state, tenant)
    if first is not None:
        frame = frame.filter(pl.col("day") >= first)
    if last is not None:
        frame = frame.filter(pl.col("day") <= last)
    place = ["jurisdiction", "policy_version", "signal_class"]
    found = frame.group_by(place).agg(
        pl.col("count").sum().alias("fields"),
        pl.col("day").min().alias("first_day"),
        pl.col("day").max().alias("last_day"),
    )
    verdicts = [
        policy.verdict(where, name).value for where, name in found.select("jurisdiction", "signal_class").iter_rows()
    ]
    biometric = [name in policy.biometric for name in found["signal_class"]]
    today = found.with_columns(
        pl.Series("biometric", biometric, pl.Boolean), pl.Series("verdict_today", verdicts, pl.String)
    )
    return today.select(*place, "biometric", "verdict_today", "fields", "first_day", "last_day").sort(place)


def search(desk: "Desk", policy: "SignalPolicy", progress: Progress = lambda _: None) -> tuple[list[Finding], int]:
    """What is stored although the policy denies it, and how many rows were looked at."""
    places = {each["session_id"]: each["jurisdiction"] for each in _sessions(desk)}
    found: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], str] = {}
    looked = 0
    for table in (DELIVERIES, *TEXTS):
        progress(table)
        for session_id, dropped in _again(desk.lake, table, desk.tenant, places, policy):
            looked += 1
            for name in dropped:
                place = (table, policy.jurisdiction(places.get(session_id)), name)
                found[place] += 1
                examples.setdefault(place, session_id)
    return [Finding(*place, rows, examples[place]) for place, rows in sorted(found.items())], looked


def _again(
    lake: Lake, table: str, tenant: str, places: dict[str, str | None], policy: "SignalPolicy"
) -> Iterator[tuple[str, set[str]]]:
    """Session and denied signal classes of every row of the tenant."""
    columns = ("channel", "received_at", "event_type", "body") if table == DELIVERIES else TEXTS[table]
    known = [name for name in columns if name in TABLES[table].column_names]
    for file in lake.files(table):
        frame = pl.scan_parquet(file, hive_partitioning=False).filter(pl.col("tenant") == tenant)
        for session_id, *values in frame.select("session_id", *known).collect().iter_rows():
            where = places.get(session_id)
            yield session_id, _gated(values, where, policy) if table == DELIVERIES else _hidden(values, where, policy)


def _gated(values: list[Any], where: str | None, policy: "SignalPolicy") -> set[str]:
    """Classes that the gate would drop from a stored delivery.

    Its type stands beside it: what told the type of a body without one may have been withheld.
    """
    channel, received_at, event_type, body = values
    try:
        parcels = prepare({"event_type": event_type, **json.loads(body)}, channel, received_at, "search", where, policy)
    except Refused:
        return {"unreadable"}
    return {name for parcel in parcels for name in parcel.dropped}


def _hidden(values: list[Any], where: str | None, policy: "SignalPolicy") -> set[str]:
    """Classes of notes that hide in the row's texts, as far as the policy denies them."""
    notes: set[str] = set()
    for value in values:
        clean(_parsed(value), lambda signal, _: notes.add(signal))
    return notes - policy.allowed(where)


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) and value[:1] in "{[" else value
    except ValueError:
        return value


def _sessions(desk: "Desk") -> list[dict[str, Any]]:
    """Sessions with the jurisdiction that applies: core's, else the launch's."""
    schema = {"tenant": pl.String, "session_id": pl.String, "jurisdiction": pl.String}
    files = desk.lake.files("core/sessions")
    core = pl.scan_parquet(files, hive_partitioning=False) if files else pl.LazyFrame(schema=schema)
    mine = core.filter(pl.col("tenant") == desk.tenant).select("session_id", "jurisdiction").collect()
    registered = desk.launches.frame(desk.tenant).select("session_id", "jurisdiction")
    return pl.concat([mine, registered]).unique("session_id", keep="first").to_dicts()
