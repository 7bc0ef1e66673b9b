"""Which table is made when: after what it needs, and before what would otherwise keep everybody waiting."""

from threading import Barrier

import duckdb
import pytest

from assets.duck import connect, in_turn
from assets.marts.scope import needs
from assets.marts.tables import PASSING, REACH, STAGES
from assets.marts.turns import ESTIMATES, turns

ALL = turns([*STAGES, ESTIMATES, *REACH])


def test_everything_has_its_turn_after_what_it_needs() -> None:
    order = list(ALL)
    assert sorted(order) == sorted([*STAGES, ESTIMATES, *REACH])
    early = [(name, need) for name, those in ALL.items() for need in those if order.index(need) > order.index(name)]
    assert early == []


def test_what_most_work_waits_for_comes_first() -> None:
    assert list(ALL)[:2] == ["headline", "attempts"]
    assert list(turns(["data_health", "numbered", "rehearsals"])) == ["rehearsals", "numbered", "data_health"]


def test_a_mart_needs_staging_tables_and_the_marts_that_it_is_made_of() -> None:
    assert {"numbered", "rehearsals"} <= needs("learner_progress")
    assert "learner_progress" in needs("mastery_curve")
    assert ALL[ESTIMATES] <= STAGES.keys() - PASSING


def test_a_passing_table_is_read_by_what_has_its_reach() -> None:
    """A wider reader would find no more than the rows of the last change."""
    reach = {**STAGES, **REACH}
    readers = {(name, need) for name in reach for need in needs(name) & PASSING}
    assert readers
    assert [(name, need) for name, need in readers if reach[name] != reach[need]] == []


def test_work_starts_as_soon_as_what_it_needs_is_done() -> None:
    done: list[str] = []
    together = Barrier(2, timeout=10)

    def work(desk: duckdb.DuckDBPyConnection, name: str) -> None:
        assert desk.sql("select current_setting('threads')").fetchall() == [(1,)]
        if name in ("long", "second"):
            together.wait()  # ends only if the second step runs beside the long work, not after it
        done.append(name)

    with connect() as con:
        before = con.sql("select current_setting('threads')").fetchall()
        in_turn(con, work, {"long": set(), "first": set(), "second": {"first"}, "last": {"long", "second"}})
        assert con.sql("select current_setting('threads')").fetchall() == before
    assert done[0] == "first"
    assert done[-1] == "last"
    assert len(done) == 4


def test_what_needs_itself_and_what_fails_is_told() -> None:
    def fail(desk: duckdb.DuckDBPyConnection, name: str) -> None:
        desk.execute(f"select * from {name}")

    with connect() as con:
        with pytest.raises(ValueError, match="Each needs another"):
            in_turn(con, fail, {"hen": {"egg"}, "egg": {"hen"}})
        with pytest.raises(duckdb.CatalogException, match="nowhere"):
            in_turn(con, fail, {"nowhere": set(), "behind": {"nowhere"}})
