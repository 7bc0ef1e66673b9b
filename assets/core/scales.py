"""Scales of rubrics that the catalog does not know: the largest score seen so far, kept beside the lake.

It only grows, whatever the order in which days are built, so that all days end up on the same scale.
"""

import json
from collections.abc import Mapping

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


def grown(con: duckdb.DuckDBPyConnection, before: Mapping[str, float]) -> tuple[dict[str, float], dict[str, set[str]]]:
    """The scales after the assessments at hand, and the criteria that each day of them uses."""
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
    after = dict(before)
    used: dict[str, set[str]] = {}
    for tenant, rubric, version, criterion, largest, days in rows:
        key = json.dumps([tenant, rubric, version, criterion], ensure_ascii=False)
        if largest is not None:
            after[key] = max(after.get(key, largest), largest)
        for day in days:
            used.setdefault(day, set()).add(key)
    return after, used


def frame(largest: Mapping[str, float]) -> pl.DataFrame:
    """The scales as a table."""
    rows = [(*json.loads(key), value) for key, value in largest.items()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
