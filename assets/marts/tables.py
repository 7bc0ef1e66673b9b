"""The marts by name: their SELECT, how their cells hang together, and what they are built from."""

from collections.abc import Mapping
from importlib.resources import files

import duckdb
import numpy as np
import polars as pl
from scipy import stats

from assets.contracts import MARTS, PUBLISHED, Table
from assets.marts.suppression import Cells, suppress

# Staging tables are shared by several marts and hold nothing that a reader should see: the file starts with `_`.
STAGING = ("headline", "attempts")
ROLLUPS: dict[str, tuple[str, ...]] = {
    "practice_funnel": ("region", "scenario_id", "assigned"),
    "competency_trend": ("region", "scenario_id"),
    "scenario_items": (),
    "pacing": ("region", "scenario_id"),
    "objective_funnel": (),
    "guardrail_board": ("region", "scenario_id"),
}
# Attributes of a cell rather than measurements in it: they stay where the figures are hidden.
ATTRIBUTES = frozenset({"competency", "position", "severity", "regulation"})


def select(name: str) -> str:
    """The one SELECT of a mart or of a staging table."""
    file = f"_{name}.sql" if name in STAGING else f"{name}.sql"
    return files("assets.marts").joinpath("sql", file).read_text("utf-8")


def cells(table: Table) -> Cells | None:
    """How the mart's cells hang together; None for one whose rows are never suppressed."""
    if table.name not in ROLLUPS:
        return None
    rollups = ROLLUPS[table.name]
    figures = tuple(
        column.name
        for column in table.columns
        if not column.required and column.name not in table.key and column.name not in ATTRIBUTES
    )
    return Cells(tuple(name for name in table.key if name not in rollups), rollups, figures)


def create(table: Table, name: str | None = None) -> str:
    """The statement that creates the table empty, with exactly the contract's columns and types."""
    columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
    return f'create or replace table "{name or table.name}" ({columns})'


def t_quantiles(largest: int = 1000) -> pl.DataFrame:
    """Two-sided 95 % t quantiles for 1 … ``largest`` degrees of freedom, so that SQL need only join."""
    df = np.arange(1, largest + 1)
    return pl.DataFrame({"df": df.astype(np.int32), "quantile": stats.t.ppf(0.975, df)})


def register_reference(con: duckdb.DuckDBPyConnection, catalog: Mapping[str, pl.DataFrame]) -> None:
    """Make the small tables that the SELECTs join: ``watchpoints``, ``mastery`` and ``t_quantiles``.

    ``watchpoints`` has the columns of ``Catalog.watchpoints_frame()``; ``mastery`` has competency, mastery_level.
    """
    for name, frame in {**catalog, "t_quantiles": t_quantiles()}.items():
        con.register("reference_frame", frame)
        con.execute(f'create or replace temp table "{name}" as select * from reference_frame')
        con.unregister("reference_frame")


def stage(con: duckdb.DuckDBPyConnection) -> None:
    """Build the staging tables as temporary ones, in their order."""
    for name in STAGING:
        con.execute(f'create or replace temp table "{name}" as {select(name)}')


def build(con: duckdb.DuckDBPyConnection, table: Table, minimum_cell: int) -> int:
    """Rebuild one mart from the session-grain tables in ``con``; returns its rows."""
    frame = con.sql(select(table.name)).pl()
    shape = cells(table)
    if shape is not None:
        frame = suppress(frame, shape, minimum_cell)
    frame = frame.sort(table.key)
    con.execute(create(table))
    con.register("mart_frame", frame)
    con.execute(f'insert into "{table.name}" by name select * from mart_frame')
    con.unregister("mart_frame")
    return frame.height


def build_all(con: duckdb.DuckDBPyConnection, catalog: Mapping[str, pl.DataFrame], minimum_cell: int) -> dict[str, int]:
    """Rebuild every mart; returns rows by table."""
    register_reference(con, catalog)
    stage(con)
    return {table.name: build(con, table, minimum_cell) for table in MARTS}


def load_frames(con: duckdb.DuckDBPyConnection, frames: Mapping[str, pl.DataFrame]) -> None:
    """Replace published tables that are not marts by frames; absent columns become NULL, absent tables empty."""
    marts = {table.name for table in MARTS}
    for name, table in PUBLISHED.items():
        if name in marts:
            continue
        con.execute(create(table))
        if name in frames:
            con.register("core_frame", frames[name])
            con.execute(f'insert into "{name}" by name select * from core_frame')
            con.unregister("core_frame")
