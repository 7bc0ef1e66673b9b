"""core/learners and core/launches: the registries of the state database as tables, without names."""

import polars as pl

from assets.contracts.core import LAUNCHES, LEARNERS
from assets.contracts.table import Table
from assets.duck import connect
from assets.lake import Lake


def write(lake: Lake, table: Table, frame: pl.DataFrame) -> int:
    """Replace an unpartitioned table by ``frame``, cut to the contract's columns; how many rows it has."""
    with lake.writing(f"building {table.path}"), lake.staging() as folder:
        con = connect(folder)
        con.register("given", frame)
        columns = ", ".join(f"{column.name}::{column.type} as {column.name}" for column in table.columns)
        target = folder / "whole.parquet"
        con.execute(
            f"copy (select {columns} from given order by {', '.join(table.key)}) to '{target}'"
            " (format parquet, compression lz4)"
        )
        con.close()
        lake.put(table.path, target)
    return frame.height


def learners(lake: Lake, frame: pl.DataFrame) -> int:
    """One row per learner key."""
    return write(lake, LEARNERS, frame)


def launches(lake: Lake, frame: pl.DataFrame) -> int:
    """One row per launch in the registry."""
    return write(lake, LAUNCHES, frame)
