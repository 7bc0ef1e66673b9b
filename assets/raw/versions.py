"""Versions of connectors' records: the newest one that has landed of each, and which of those arriving are news."""

from typing import Any

import polars as pl

from assets.contracts.raw import CRM_RECORDS
from assets.duck import connect, file_list, literal
from assets.lake import Lake
from integrations.mapping import Feed

SCHEMA: dict[str, Any] = {
    "record_id": pl.String,
    "version": pl.String,
    "modified_at": pl.Datetime("us", "UTC"),
    "deleted": pl.Boolean,
    "kind": pl.String,
    "stage": pl.String,
    "value": pl.Decimal(18, 4),
    "unit": pl.String,
    "answers": pl.Int64,
    "opened_at": pl.Datetime("us", "UTC"),
    "occurred_at": pl.Datetime("us", "UTC"),
    "people": pl.List(pl.Struct({"rule": pl.String, "match": pl.String, "token": pl.String})),
    "attributes": pl.String,
}
HELD = ("record_id", "version", "modified_at", "deleted")


def news(arriving: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """The newest version of each arriving record, where it differs from the one held and is not older than it.

    A tombstone of a record that never landed, or landed as deleted, is no news either.
    """
    newest = (
        arriving.with_row_index("_place")
        .sort("modified_at", "_place", nulls_last=False)
        .unique("record_id", keep="last", maintain_order=True)
    )
    joined = newest.join(held.select(HELD), on="record_id", how="left", suffix="_held")
    older = (pl.col("modified_at") < pl.col("modified_at_held")).fill_null(False)
    moot = pl.col("deleted") & (pl.col("version_held").is_null() | pl.col("deleted_held").fill_null(False))
    news = pl.col("version").ne_missing(pl.col("version_held")) & ~moot & ~(older & ~pl.col("deleted"))
    return joined.filter(news).sort("_place").select(list(SCHEMA))


def newest(lake: Lake, feed: Feed, entity: str) -> pl.DataFrame:
    """The newest landed version of every record of an entity."""
    files = lake.files(CRM_RECORDS.path)
    if not files:
        return pl.DataFrame(schema={name: SCHEMA[name] for name in HELD})
    con = connect()
    try:
        return con.sql(f"""
            select record_id, version, modified_at, deleted
            from read_parquet({file_list(files)})
            where tenant = {literal(feed.tenant)} and connector = {literal(feed.name)} and entity = {literal(entity)}
            qualify row_number() over (
                partition by record_id order by received_at desc, modified_at desc nulls last, version
            ) = 1
        """).pl().cast({name: SCHEMA[name] for name in HELD})  # fmt: skip
    finally:
        con.close()
