"""Statements against the sessions that imply them, counted in SQL from core: nothing missing, nothing too much."""

from collections.abc import Sequence
from datetime import date

import duckdb

from assets.contracts import TABLES, XAPI_STATEMENTS
from assets.duck import file_list
from assets.lake import Lake

# By kind, the number of statements in force that core implies. Mastery depends on other days and is checked by itself.
IMPLIED = """
    with eligible as (
        select * from sessions
        where attributed and learner_key is not null and not is_test and end_reason is distinct from 'no_show'
    ),
    told as (
        select session_scores.* from session_scores semi join eligible using (tenant, session_id)
        where is_latest and review_state not in ('pending', 'rejected')
    ),
    holding as (
        select * from told
        qualify row_number() over (
            partition by tenant, session_id, rubric_id
            order by case scorer_kind when 'human' then 0 when 'engine_llm' then 1 else 2 end,
                scored_at desc nulls last, rubric_version desc, scorer_version desc, scorer_id desc
        ) = 1
    ),
    events as (
        select signals.* from signals semi join eligible using (tenant, session_id)
        where (kind = 'objective' and state = 'completed') or (kind = 'guardrail' and state = 'triggered')
    )
    select 'attempt' as kind, day, count(*) as n from eligible group by day
    union all select 'end', day, count(*) from eligible where ended_at is not null group by day
    union all select 'verdict', day, count(*) from holding where passed is not null group by day
    union all select 'criterion', day, sum(criteria_scored) from holding group by day
    union all select 'review', day, count(*) from told where scorer_kind = 'human' group by day
    union all select 'guardrail', day, count(*) from events where kind = 'guardrail' group by day
    union all
        select 'objective', day, count(distinct (tenant, session_id, name)) from events where kind = 'objective'
        group by day
"""
LIVE = """
    select kind, day, count(*) as n
    from issued
    where kind not in ('voiding', 'mastery') and statement_id not in (select voids from issued where voids is not null)
    group by kind, day
"""
STRAY = """
    select 'a voiding refers to a statement that was never issued on its day', day, count(*)
    from issued
    where voids is not null and voids not in (select statement_id from issued) and session_id not like 'erased:%'
    group by day
    union all
    select 'a competency was reached twice by one learner', max(day), count(*) - 1
    from mastered
    group by tenant, actor, subject
    having count(*) > 1
"""


def differences(con: duckdb.DuckDBPyConnection, lake: Lake, days: Sequence[date] | None) -> list[str]:
    """Where statements in force are not what the sessions imply, in words; empty where all agree."""
    # Days of a run were just issued: one without a file implies nothing, or it is wrong. Without days, those issued.
    looked_at = lake.days(XAPI_STATEMENTS.path) if days is None else list(days)
    for name in ("sessions", "session_scores", "signals"):
        _view(con, name, lake.files(f"core/{name}", looked_at), f"core/{name}")
    _view(con, "issued", lake.files(XAPI_STATEMENTS.path, looked_at), XAPI_STATEMENTS.path)
    _mastered(con, lake)
    told = con.sql(f"""
        select coalesce(implied.kind, live.kind), coalesce(implied.day, live.day), implied.n, live.n
        from ({IMPLIED}) as implied full join ({LIVE}) as live using (kind, day)
        where coalesce(implied.n, 0) <> coalesce(live.n, 0)
        order by 2, 1
    """).fetchall()  # fmt: skip
    strays = con.sql(STRAY).fetchall()
    return [
        *(f"{kind} on {day}: core implies {implied or 0}, {live or 0} in force" for kind, day, implied, live in told),
        *(f"{what}: {rows} (day {day})" for what, day, rows in strays),
    ]


def _view(con: duckdb.DuckDBPyConnection, name: str, files: Sequence, table: str) -> None:
    columns = TABLES[table].columns
    listed = ", ".join(f'"{column.name}"' for column in columns)
    options = "hive_partitioning = true, hive_types = {'day': date}"
    query = f"select {listed} from read_parquet({file_list(files)}, {options})"
    if not files:
        query = f"select {', '.join(f'null::{column.type} as {column.name}' for column in columns)} where false"
    con.execute(f"create or replace temp view {name} as {query}")


def _mastered(con: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Mastery statements in force on any day, with whom they are about."""
    _view(con, "every_issued", lake.files(XAPI_STATEMENTS.path), XAPI_STATEMENTS.path)
    con.execute("""
        create or replace temp table mastered as
        with every as (
            from every_issued where kind in ('mastery', 'voiding')
        )
        select tenant, day, subject, statement::json ->> '$.actor.account.name' as actor
        from every
        where kind = 'mastery' and statement_id not in (select voids from every where voids is not null)
    """)
