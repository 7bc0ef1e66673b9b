"""Write drawn frames where core would: one Parquet file a day, so that marts can be tested without the pipeline."""

from collections.abc import Mapping
from datetime import date

import duckdb
import polars as pl

from assets.contracts import TABLES
from assets.duck import connect, literal
from assets.lake import Lake
from assets.marts.tables import create


def write_lake(lake: Lake, frames: Mapping[str, pl.DataFrame]) -> None:
    """Write frames by core table name; a partitioned table loses the days that the frame does not have."""
    con = connect()
    for name, frame in frames.items():
        table = TABLES[f"core/{name}"]
        con.execute(create(table))
        con.register("frame_rows", frame)
        con.execute(f'insert into "{name}" by name select * from frame_rows')
        con.unregister("frame_rows")
        with lake.staging() as stage:
            if not table.partitioned:
                con.execute(f'copy "{name}" to {literal(str(stage / "x.parquet"))} (format parquet)')
                lake.put(table.path, stage / "x.parquet")
                continue
            days = {day for (day,) in con.sql(f'select distinct day from "{name}"').fetchall()}
            con.execute("set threads = 1")  # one file a day
            con.execute(
                f'copy (select * from "{name}" order by day, tenant) to {literal(str(stage / "t"))}'
                " (format parquet, partition_by (day), write_partition_columns true)"
            )
            con.execute("set threads = 2")
            lake.replace_days(table.path, stage / "t", days | set(lake.days(table.path)))
    con.close()


def touch_day(lake: Lake, path: str, day: date, change: str = "duration_s = duration_s + 1") -> None:
    """Change every row of one day's file with an SQL assignment."""
    file = lake.path(path, day)
    with duckdb.connect() as con, lake.staging() as stage:
        con.execute(f"create table t as select * from read_parquet({literal(str(file))}, hive_partitioning = false)")
        con.execute(f"update t set {change}")
        con.execute(f"copy t to {literal(str(stage / 'x.parquet'))} (format parquet)")
        lake.put(path, stage / "x.parquet", day)
