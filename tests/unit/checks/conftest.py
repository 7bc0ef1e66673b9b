"""A database of good tables, for every test of the checks to break."""

import duckdb
import pytest
from support.synthetic import Draw, core_frames

from assets.marts.tables import load_frames


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    """Session-grain tables of 120 sessions."""
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    load_frames(con, core_frames(Draw(sessions=120, learners=20, days=10)))
    return con
