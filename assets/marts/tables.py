"""The marts by name: their SELECT, how their cells hang together, and what they are built from."""

from collections.abc import Mapping
from importlib.resources import files

import duckdb
import numpy as np
import polars as pl
from scipy import special

from assets.contracts import EFFECTS, MARTS, PUBLISHED, Table
from assets.marts.suppression import Cells, suppress

# Staging tables are shared by several marts; their files start with `_`. Two of them are published as well, the others
# hold nothing that a reader should see.
# The word says what part of one changes when a day of core changes: that day's rows, what the learners who practised
# on it did in the same scenario (practice), their progress in the competencies concerned (curve), possibly anything.
STAGES: dict[str, str] = {
    "headline": "day",
    "attempts": "day",
    "completions": "day",
    "triggers": "day",
    "versions": "day",
    "watched": "whole",
    "items": "practice",
    "applications": "practice",
    "double_scores": "day",
    "speakers": "practice",
    "rehearsals": "curve",
    "numbered": "curve",
    "points": "curve",
    "pauses": "curve",
    "spells": "curve",
}
# Staging tables that last as long as the refresh that makes them: what reads them has their reach, so that it asks for
# no other rows than those just made. Nothing is written or compressed, and their rows may carry passing numbers.
PASSING = frozenset({"rehearsals", "numbered"})
# The same for marts. A million sessions' marts take 15 s as a whole and less than one for a day's share.
REACH: dict[str, str] = {
    "data_health": "day",
    "practice_funnel": "week",
    "competency_trend": "week",
    "version_events": "whole",
    "learner_progress": "curve",
    "scenario_items": "whole",
    "pacing": "week",
    "objective_funnel": "whole",
    "guardrail_board": "week",
    "cohort_comparison": "whole",
    "skill_heatmap": "whole",
    "learning_curve": "whole",
    "mastery_curve": "whole",
    "skill_decay": "whole",
    "scorer_agreement": "whole",
    "language_parity": "whole",
    "knowledge_use": "whole",
    "lms_reconciliation": "whole",
}
ROLLUPS: dict[str, tuple[str, ...]] = {
    "practice_funnel": ("region", "scenario_id", "assigned"),
    "competency_trend": ("region", "scenario_id"),
    "scenario_items": (),
    "pacing": ("region", "scenario_id"),
    "objective_funnel": (),
    "guardrail_board": ("region", "scenario_id"),
    "cohort_comparison": ("region", "cohort"),
    "skill_heatmap": ("region", "cohort"),
    "learning_curve": ("region",),
    "mastery_curve": ("region",),
    "skill_decay": ("region",),
    "scorer_agreement": ("month",),
    "language_parity": ("region", "scenario_id", "cohort"),
    "knowledge_use": ("region", "language"),
}
# Published tables that marts are made of: session grain, overviews.
LMS_ACTIVITIES: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys(
    ("tenant", "connector", "activity", "scenario_id"), pl.String
)
SHOWN: tuple[str, ...] = tuple(name for name in STAGES if name in PUBLISHED)
ESTIMATED: tuple[str, ...] = tuple(table.name for table in EFFECTS)  # computed by assets.statistics, not by a SELECT
SOURCES: tuple[str, ...] = tuple(
    name for name in PUBLISHED if name not in REACH and name not in STAGES and name not in ESTIMATED
)
SELECTED: tuple[Table, ...] = tuple(table for table in MARTS if table.name in REACH)
# Attributes of a cell rather than measurements in it: they stay where the figures are hidden.
ATTRIBUTES = frozenset({"competency", "position", "severity", "regulation"})
# Names the way in which the last roll-up, the cohort, splits a total: by role, by start, by language.
PARTITION = "dimension"


def select(name: str) -> str:
    """The one SELECT of a mart or of a staging table."""
    file = f"_{name}.sql" if name in STAGES else f"{name}.sql"
    return files("assets.marts").joinpath("sql", file).read_text("utf-8")


def database(name: str) -> str:
    """Where a table lies while a warehouse is open: in the file that is published, in memory, or in the ledger."""
    if name in PASSING:
        return "scratch"
    return "working" if name in PUBLISHED else "ledger"


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
    partition = PARTITION if PARTITION in table.key else None
    fixed = tuple(name for name in table.key if name not in rollups and name != partition)
    return Cells(fixed, rollups, figures, partition)


def create(table: Table) -> str:
    """The statement that creates the table empty, with exactly the contract's columns and types."""
    columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
    return f'create or replace table "{table.name}" ({columns})'


def t_quantiles(largest: int = 1000) -> pl.DataFrame:
    """Two-sided 95 % t quantiles for 1 … ``largest`` degrees of freedom, so that SQL need only join."""
    df = np.arange(1, largest + 1)
    return pl.DataFrame({"df": df.astype(np.int32), "quantile": special.stdtrit(df, 0.975)})


def register_reference(con: duckdb.DuckDBPyConnection, reference: Mapping[str, pl.DataFrame]) -> None:
    """Make the small tables that the SELECTs join: ``watchpoints``, ``mastery``, ``lms_activities``, ``t_quantiles``.

    ``watchpoints`` has the columns of ``Catalog.watchpoints_frame()``; ``mastery`` has competency, mastery_level;
    ``lms_activities`` says which activity of which LMS holds which scenario, and is empty where it is left out.
    """
    given = {"lms_activities": pl.DataFrame(schema=LMS_ACTIVITIES), **reference, "t_quantiles": t_quantiles()}
    for name, frame in given.items():
        con.register("reference_frame", frame)
        con.execute(f'create or replace temp table "{name}" as select * from reference_frame')
        con.unregister("reference_frame")


def rows_of(con: duckdb.DuckDBPyConnection, table: Table, minimum_cell: int) -> pl.DataFrame:
    """The mart's rows, suppressed, from whatever ``con`` shows under the bare names, sorted by key."""
    frame = con.sql(select(table.name)).pl().sort(table.key)
    shape = cells(table)
    if shape is None:
        return frame
    # Sorted first: which of two equally small cells is hidden must not change from run to run, or the two versions
    # together would show both.
    return suppress(frame, shape, minimum_cell)


def insert(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame, within: str = "main") -> None:
    """Append a frame; columns go by name and are cast to the table's types, absent ones become NULL."""
    con.register("frame_rows", frame)
    con.execute(f'insert into {within}."{name}" by name select * from frame_rows')
    con.unregister("frame_rows")


def load_frames(con: duckdb.DuckDBPyConnection, frames: Mapping[str, pl.DataFrame]) -> None:
    """Create the published tables that marts are made of from frames; absent tables are empty."""
    for name in SOURCES:
        con.execute(create(PUBLISHED[name]))
        if name in frames:
            insert(con, name, frames[name])
