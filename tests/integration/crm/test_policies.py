"""What a write-back may do at most, on a real table: caps on changes and refusals, and people who left."""

from pathlib import Path

import duckdb
import pytest
from support import sqlite
from support.published import build_published
from support.writeback import NOW, Table

from assets.exports.writeback import Written
from integrations.crm.config import CrmConnector
from integrations.sync.base import SyncError

LEARNERS = 150  # more than a hundred refusals are needed before a run stops


CHANGED = "update learner_progress set level = level * 0.9"
FEWER = "delete from {} where learner_key in (select distinct learner_key from learner_progress order by 1 limit 20)"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published marts of everybody."""
    folder = tmp_path_factory.mktemp("published") / "marts"
    build_published(folder, learners=LEARNERS, sessions=LEARNERS * 3)
    return folder


def alter(table: Table, *statements: str) -> None:
    """Publish something else."""
    with duckdb.connect(str((table.practice.marts / "acme" / "current").resolve())) as con:
        for statement in statements:
            con.execute(statement)


@pytest.fixture
def table(tmp_path: Path, built: Path) -> Table:
    return Table(tmp_path, LEARNERS, built)


def rows(table: Table, columns: str) -> list[tuple]:
    with sqlite.opened(table.path) as con:
        return con.execute(f"select {columns} from people order by id").fetchall()


def write(table: Table, connector: CrmConnector, *, force: bool = False) -> Written:
    return table.practice.desk.write(connector, lambda: NOW, force=force)


def policy(table: Table, **write: object) -> CrmConnector:
    """The table's connector with another policy."""
    given = table.connector.write
    assert given is not None
    return table.connector.model_copy(update={"write": given.model_copy(update=write)})


def test_more_changes_than_the_cap_write_nothing_until_they_are_forced(table: Table) -> None:
    write(table, table.connector)
    before = rows(table, "*")
    alter(table, CHANGED)  # as after a mistake in a rubric
    with pytest.raises(SyncError, match=r"would change, more than 50%.*--force"):
        write(table, table.connector)
    assert rows(table, "*") == before
    report = write(table, table.connector, force=True).report
    assert report is not None
    changed = sum(one != other for one, other in zip(before, rows(table, "*"), strict=True))
    assert changed == report.counts.acknowledged > LEARNERS / 2


def test_people_who_left_the_source_keep_their_fields_or_lose_them_all(table: Table) -> None:
    write(table, table.connector)
    alter(table, *(FEWER.format(each) for each in ("sessions", "session_scores", "learner_progress")))
    left = {int(table.accounts[key]) for key in set(table.accounts) - set(table.practice.learners())}
    assert len(left) >= 15
    write(table, table.connector, force=True)
    assert _emptied(table) == set()
    clearing = policy(table, removed="clear")
    write(table, clearing, force=True)
    assert _emptied(table) == left
    assert write(table, clearing).report is None


def _emptied(table: Table) -> set[int]:
    return {number for number, *values in rows(table, "id, discovery, source") if values == [None, None]}


def test_an_empty_source_clears_nobody(table: Table) -> None:
    write(table, table.connector)
    before = rows(table, "*")
    nothing = policy(table, removed="clear", fields={"readiness.nobody-has-this": "discovery"})
    done = write(table, nothing, force=True)
    assert done.report is None
    assert "the source is empty" in done.planned.plan.notes[0]
    assert rows(table, "*") == before


def test_a_source_that_is_wrong_all_over_stops_the_run(table: Table) -> None:
    with sqlite.opened(table.path) as con:
        con.execute("create trigger locked before update on people when new.id > 5"
                    " begin select raise(abort, 'locked by HR'); end")  # fmt: skip
    report = write(table, table.connector).report
    assert report is not None
    assert report.stopped is not None
    assert "more than 20%" in report.stopped
    assert report.counts.left > 0
    assert sum(writes > 0 for (writes,) in rows(table, "writes")) == report.counts.acknowledged == 5
