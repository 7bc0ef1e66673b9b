"""What a check finds in a broken table, and what it never tells."""

import json
from pathlib import Path

import duckdb
import pytest

from assets.checks import suites
from assets.checks.exact import expected_schema, judge, schema_faults
from assets.checks.reconcile import Rate, sentence, too_many
from assets.checks.rules import contract_rules, narrow
from assets.checks.verdicts import judge_exactly, judge_suite
from assets.contracts import TABLES
from assets.duck import desk
from assets.marts.tables import create

SESSIONS = TABLES["core/sessions"]


def test_good_tables_pass_both_checks(con: duckdb.DuckDBPyConnection) -> None:
    for name in ("sessions", "criterion_scores", "media"):
        table = TABLES[f"core/{name}"]
        assert judge_exactly(con, table, name, loose=False).passed
        assert all(result.passed for result in judge_suite(table, suites.frame_of(con, table, name)).values())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("set completeness = 'secret-word'", "in_set(completeness)"),
        ("set raw_ref = null", "not_null(raw_ref)"),
        ("set talk_share = 1.5", "between(talk_share)"),
        ("set ended_at = started_at - interval 1 hour", "ordered(started_at, ended_at)"),
        ("set session_id = 'cvi:secret-word'", "unique(tenant, session_id)"),
    ],
)
def test_both_checks_find_what_is_broken_and_quote_nothing(
    con: duckdb.DuckDBPyConnection, change: str, rule: str
) -> None:
    con.execute(f"update sessions {change}")
    verdict = judge(con, SESSIONS, "sessions")
    assert rule in verdict.broken
    suite = judge_suite(SESSIONS, suites.frame_of(con, SESSIONS, "sessions"))["critical"]
    assert not suite.passed
    told = json.dumps([suite.summary, suite.metadata], default=str)
    assert "secret-word" not in told


@pytest.mark.parametrize(
    ("ordinals", "repeated"),
    [
        ("(0), (63), (64), (127), (128)", 0),
        ("(0), (0), (63), (63), (63), (64)", 3),
        ("(-1), (63), (-1), (2147483647), (-2147483648), (-2147483648)", 2),
        ("(null), (1), (null)", 1),
    ],
)
def test_numbers_that_come_twice_in_a_session_are_counted(
    con: duckdb.DuckDBPyConnection, ordinals: str, repeated: int
) -> None:
    turns = TABLES["core/turns"]
    con.execute(create(turns))
    con.execute(f"""
        insert into turns by name
        select session::varchar as session_id, ordinal from range(3) as _(session), (values {ordinals}) as _(ordinal)
    """)
    assert judge(con, turns, "turns").broken.get("unique(tenant, session_id, ordinal)", 0) == 3 * repeated


def test_an_oddity_is_a_warning_and_stops_nothing(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update sessions set duration_s = 90000")
    assert judge_exactly(con, SESSIONS, "sessions", loose=False).passed
    suite = judge_suite(SESSIONS, suites.frame_of(con, SESSIONS, "sessions"))
    assert suite["critical"].passed
    assert not suite["warning"].passed


def test_a_column_too_many_or_of_another_type_is_told(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("alter table sessions add column affect_score double")
    con.execute("alter table sessions alter attempt type varchar")
    faults = schema_faults(con, SESSIONS, "sessions")
    assert "column affect_score is not in the contract" in faults
    assert "column attempt is VARCHAR, the contract says INTEGER" in faults


def test_the_expected_schema_is_that_of_a_table_made_by_the_contract(con: duckdb.DuckDBPyConnection) -> None:
    for table in TABLES.values():
        con.execute(create(table))
        made = con.sql(f'select column_name, column_type from (describe "{table.name}")').fetchall()
        assert list(expected_schema(con, table).items()) == made, table.path


def test_a_threads_own_connection_sees_the_same_tables_and_times_in_utc(con: duckdb.DuckDBPyConnection) -> None:
    with desk(con) as own:
        told = own.sql("select current_setting('TimeZone'), count(*) from sessions").fetchall()
    assert told == [("UTC", 120)]


def test_suites_see_no_speech() -> None:
    for table in TABLES.values():
        speech = {column.name for column in table.columns if column.personal == "speech"}
        assert not speech & set(narrow(table)), table.path


def test_every_table_has_rules() -> None:
    for table in TABLES.values():
        kinds = {rule.kind for rule in contract_rules(table)}
        assert {"not_null", "unique"} <= kinds, table.path


def test_a_handful_of_broken_rows_warns_and_does_not_stop() -> None:
    few = Rate("turns", good=40, broken=4, rules={"text_present": 4})
    many = Rate("turns", good=900, broken=100, rules={"text_present": 90, "speaker_known": 10})
    assert too_many([few], 0.05, 25) == []
    assert too_many([few], 0.01) == [few]
    assert too_many([many], 0.05, 25) == [many]
    assert sentence(many) == "turns: 100 of 1000 rows (10.0%) are in quarantine: text_present (90), speaker_known (10)"


def test_data_docs_are_written(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    page = suites.build_data_docs([(SESSIONS, suites.frame_of(con, SESSIONS, "sessions"))], tmp_path)
    assert page.is_file()
    assert "core_sessions" in page.read_text("utf-8")
