"""Scales of rubrics that the catalog does not know: the largest score seen so far, kept beside the lake.

It only grows, whatever the order in which days are built, so that all days end up on the same scale.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from assets.lake import Lake

FILE = "core/.scales.json"
SCHEMA = {
    "tenant": pl.String,
    "rubric_id": pl.String,
    "rubric_version": pl.String,
    "criterion_id": pl.String,
    "largest": pl.Float64,
}


def read(lake: Lake) -> dict[str, float]:
    """Largest score by criterion, keyed by the JSON list of tenant, rubric, version and criterion."""
    try:
        return json.loads((lake.root / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}


def write(lake: Lake, largest: Mapping[str, float]) -> None:
    """Keep them, by rename."""
    path = lake.root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(largest, sort_keys=True, ensure_ascii=False), "utf-8")
    draft.replace(path)


Used = list[tuple[str, float | None, list[str]]]  # criterion, largest score, days


@dataclass(frozen=True)
class Grown:
    """The scales after a build, and the criteria that each day of it uses."""

    largest: Mapping[str, float]
    used: Mapping[str, set[str]]

    def of_day(self, day: date) -> dict[str, float]:
        """What the day's uncatalogued criteria are scaled by."""
        return {key: self.largest[key] for key in self.used.get(day.isoformat(), ()) if key in self.largest}


def used(con: duckdb.DuckDBPyConnection) -> Used:
    """Uncatalogued criteria of the assessments at hand, on what days, and their largest scores."""
    rows = con.sql("""
        select
            tenant, rubric_id, rubric_version, criterion.criterion_id, max(criterion.score), list(distinct day::varchar)
        from (
            select tenant, rubric_id, rubric_version, day, unnest(criteria) as criterion
            from assessments
            where uncatalogued
        )
        where criterion.max is null and criterion.criterion_id is not null
        group by all
    """).fetchall()
    return [(json.dumps(names, ensure_ascii=False), largest, days) for *names, largest, days in rows]


def joined(before: Mapping[str, float], found: Iterable[Used]) -> Grown:
    """The scales so far, grown by what several shares of a build use."""
    after = dict(before)
    by_day: dict[str, set[str]] = {}
    for key, largest, days in (each for some in found for each in some):
        if largest is not None:
            after[key] = max(after.get(key, largest), largest)
        for day in days:
            by_day.setdefault(day, set()).add(key)
    return Grown(after, by_day)


def frame(largest: Mapping[str, float]) -> pl.DataFrame:
    """The scales as a table."""
    rows = [(*json.loads(key), value) for key, value in largest.items()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
