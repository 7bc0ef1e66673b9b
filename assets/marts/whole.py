"""Every mart as a whole from session-grain tables in one connection: for tests, samples and second opinions."""

from collections.abc import Mapping

import duckdb
import polars as pl

from assets.contracts import EFFECTS, PUBLISHED
from assets.marts.estimates import estimate
from assets.marts.exposures import COLUMNS, renew
from assets.marts.scope import Scope
from assets.marts.tables import SELECTED, STAGES, create, insert, register_reference, rows_of, select
from governance.project import Analysis


def build_all(
    con: duckdb.DuckDBPyConnection,
    reference: Mapping[str, pl.DataFrame],
    minimum_cell: int,
    analysis: Analysis | None = None,
) -> dict[str, int]:
    """Make every mart in ``con`` from the session-grain tables in it; returns rows by table."""
    register_reference(con, reference)
    con.execute("create or replace temp view known_sessions as select tenant, session_id from sessions")
    for name in STAGES:
        if name in PUBLISHED:
            con.execute(create(PUBLISHED[name]))
            con.execute(f'insert into "{name}" by name {select(name)}')
        else:
            con.execute(f'create or replace temp table "{name}" as {select(name)}')
    counts = {}
    for table in SELECTED:
        frame = rows_of(con, table, minimum_cell)
        con.execute(create(table))
        insert(con, table.name, frame)
        counts[table.name] = frame.height
    rules = analysis or Analysis()
    con.execute(f"create or replace temp table exposures ({COLUMNS})")
    renew(con, Scope.everything(), rules.lag_days, "exposures")
    frames = estimate(con, rules, minimum_cell)
    for table in EFFECTS:
        con.execute(create(table))
        insert(con, table.name, frames[table.name])
        counts[table.name] = frames[table.name].height
    return counts
