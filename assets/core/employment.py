"""Outcomes that follow from hire dates: how long until the first success, and who stayed."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import duckdb
import orjson
import polars as pl

from integrations.mapping import Feed

SCHEMA: dict[str, Any] = {
    "tenant": pl.String,
    "day": pl.Date,
    "content_sha256": pl.String,
    "source": pl.String,
    "learner_key": pl.String,
    "kind": pl.String,
    "value": pl.Decimal(18, 4),
    "unit": pl.String,
    "occurred_at": pl.String,
    "reference": pl.String,
    "exposure_from": pl.String,
    "attributes": pl.String,
    "received_at": pl.Datetime("us", "UTC"),
    "batch_id": pl.String,
    "attribution_rule": pl.String,
}
RULE = "hire_date"


def ramps(
    con: duckdb.DuckDBPyConnection, feed: Feed, tokens: pl.DataFrame, learners: pl.DataFrame
) -> pl.DataFrame | None:
    """Ramp of every learner who counts, from the table ``reported``.

    Whoever has had the success has a value in days, on its day. Whoever has not is censored: no value, on the hire
    date, with the end of employment where there was one, so that an analysis knows for how long they were at risk.
    """
    if feed.ramp is None:
        return None
    mine = tokens.filter((pl.col("tenant") == feed.tenant) & (pl.col("match") == f"account:{feed.name}"))
    people = learners.filter((pl.col("tenant") == feed.tenant) & pl.col("hire_date").is_not_null())
    if feed.ramp.roles:
        people = people.filter(pl.col("role").is_in(feed.ramp.roles))
    else:
        people = people.join(mine.select("learner_key").unique(), on="learner_key", how="semi")
    con.register("people", people)
    rows = con.sql(
        """
        select people.learner_key, hire_date, left_on, min(reported.day)
        from people
        left join reported
            on reported.learner_key = people.learner_key and reported.tenant = people.tenant
            and reported.connector = $connector and reported.kind = $until
            and reported.day >= people.hire_date and reported.day <= coalesce(people.left_on, reported.day)
        group by all
        order by people.learner_key
        """,
        params={"connector": feed.name, "until": feed.ramp.until},
    ).fetchall()
    con.unregister("people")
    return pl.DataFrame([_ramp(feed, feed.ramp.until, *row) for row in rows], schema=SCHEMA, orient="row")


def _ramp(feed: Feed, until: str, key: str, hired: date, left: date | None, success: date | None) -> tuple[Any, ...]:
    told = {"start": str(hired), "until": until, "censored": success is None}
    if success is None and left is not None:
        told["left_on"] = str(left)
    days = None if success is None else Decimal((success - hired).days)
    return _row(feed, "ramp", "ramp_days", key, success or hired, days, "days", told)


def retentions(feed: Feed, learners: pl.DataFrame, now: datetime) -> pl.DataFrame | None:
    """Whether each learner still worked here so many days after the hire date; no row while that day lies ahead."""
    if feed.retention is None:
        return None
    people = learners.filter((pl.col("tenant") == feed.tenant) & pl.col("hire_date").is_not_null())
    rows = []
    for key, hired, left in people.select("learner_key", "hire_date", "left_on").sort("learner_key").iter_rows():
        for days in feed.retention.days:
            due = hired + timedelta(days=days)
            end = due if left is None else min(due, left)
            if end <= now.date():
                rows.append(_stay(feed, key, days, end, stayed=end == due))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _stay(feed: Feed, key: str, days: int, day: date, *, stayed: bool) -> tuple[Any, ...]:
    name = f"retention-{days}"
    return _row(feed, name, "retention", key, day, Decimal(int(stayed)), f"at_{days}_days", {"days": days})


def _row(
    feed: Feed, name: str, kind: str, key: str, day: date, value: Decimal | None, unit: str, told: dict[str, Any]
) -> tuple[Any, ...]:
    attributes = orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()
    moment = datetime.combine(day, time(0), UTC)
    reference = f"{feed.name}/{name}/{key}"
    content = sha256(orjson.dumps([reference, str(day), str(value), attributes])).hexdigest()
    return (
        feed.tenant,
        day,
        content,
        feed.name,
        key,
        kind,
        value,
        unit,
        moment.isoformat().replace("+00:00", "Z"),
        reference,
        None,
        attributes,
        moment,
        "",
        RULE,
    )
