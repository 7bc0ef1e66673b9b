"""From the lake to sessions ready for statements: views over core's files, and rows as ``facts.Session``."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

import assets.marts
from assets.contracts import TABLES
from assets.duck import file_list
from assets.lake import Lake
from governance.catalog import Catalog
from integrations.xapi.facts import Criterion, Evidence, Mastery, Names, Recording, Score, Session, Watched

SQL = Path(__file__).parent / "sql"
MART_SQL = Path(assets.marts.__file__).parent / "sql"
DAY_TABLES = ("sessions", "session_scores", "criterion_scores", "signals", "media", "turns")
HISTORY = ("sessions", "session_scores", "criterion_scores")
KEY = re.compile(r"l_[0-9a-f]{32}")
BATCH = 2_000

Pseudonym = Callable[[str, str], str]


def names_of(catalog: Catalog) -> Names:
    """Display names of what the catalog describes."""
    return Names(
        scenarios={key: each.title for key, each in catalog.scenarios.items()},
        rubrics={key: each.title for key, each in catalog.rubrics.items()},
        criteria={(*key, item.id): item.name for key, each in catalog.rubrics.items() for item in each.criteria},
        competencies={key: each.name for key, each in catalog.competencies.items()},
    )


def define_mastery(con: duckdb.DuckDBPyConnection, lake: Lake, catalog: Catalog) -> None:
    """Table ``mastered``, from the whole history: an old session that arrives late may move a mastery."""
    for name in HISTORY:
        _view(con, name, f"core/{name}", lake.files(f"core/{name}"))
    con.register("mastery", catalog.competencies_frame().select("competency", mastery_level="mastery"))
    for name in ("headline", "attempts"):
        con.execute(f"create or replace temp table {name} as {(MART_SQL / f'_{name}.sql').read_text('utf-8')}")
    con.execute(f"create or replace temp table mastered as {(SQL / 'mastered.sql').read_text('utf-8')}")


def sessions(
    con: duckdb.DuckDBPyConnection, lake: Lake, days: Sequence[date], pseudonym: Pseudonym
) -> Iterator[Session]:
    """Sessions of the days in order of day, tenant and session; ``define_mastery`` comes first.

    ``pseudonym`` gives the key of a person whom a file named by another id.
    """
    for name in DAY_TABLES:
        _view(con, f"at_{name}", f"core/{name}", lake.files(f"core/{name}", days))
    registry = lake.path("core/learners")
    _view(con, "learners", "core/learners", [registry] if registry.is_file() else [])
    found = con.execute((SQL / "statement_sessions.sql").read_text("utf-8"))
    columns = [column[0] for column in found.description or ()]
    while rows := found.fetchmany(BATCH):
        for row in rows:
            yield _session(dict(zip(columns, row, strict=True)), pseudonym)


def _view(con: duckdb.DuckDBPyConnection, name: str, table: str, files: Sequence[Path]) -> None:
    columns = TABLES[table].columns
    if files:
        listed = ", ".join(f'"{column.name}"' for column in columns)
        hive = (
            "hive_partitioning = true, hive_types = {'day': date}"
            if TABLES[table].partitioned
            else "union_by_name = true"
        )
        query = f"select {listed} from read_parquet({file_list(files)}, {hive})"
    else:
        query = f"select {', '.join(f'null::{c.type} as {c.name}' for c in columns)} where false"
    con.execute(f"create or replace temp view {name} as {query}")


def _session(row: dict[str, Any], pseudonym: Pseudonym) -> Session:
    tenant = row["tenant"]
    for member in ("scores", "reviews"):
        row[member] = [_score(each, lambda who: pseudonym(tenant, who)) for each in row[member] or ()]
    row["watched"] = [Watched(**each) for each in row["watched"] or ()]
    row["recordings"] = [Recording(**each) for each in row["recordings"] or ()]
    row["mastered"] = [Mastery(**each) for each in row["mastered"] or ()]
    return Session(**row)


def _score(given: Mapping[str, Any], key_of: Callable[[str], str]) -> Score:
    criteria = [
        Criterion(**{**each, "evidence": [Evidence(**turn) for turn in each["evidence"] or ()]})
        for each in given["criteria"] or ()
    ]
    scorer = given["scorer_id"]
    if given["scorer_kind"] == "human" and KEY.fullmatch(scorer) is None:
        scorer = key_of(scorer)
    return Score(**{**given, "scorer_id": scorer, "criteria": criteria})


def standing_mastery(con: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> pl.DataFrame:
    """Mastery statements in force: ``tenant, session_id, day, competency, level``."""
    schema = {
        "tenant": pl.String,
        "session_id": pl.String,
        "day": pl.Date,
        "competency": pl.String,
        "level": pl.Float64,
    }
    if not files:
        return pl.DataFrame(schema=schema)
    return con.sql(f"""
        with issued as (
            select tenant, statement_id, session_id, day, kind, subject, voids, statement
            from read_parquet({file_list(files)}, hive_partitioning = false)
            where kind in ('mastery', 'voiding')
        )
        select
            tenant, session_id, day, subject::json ->> '$[0]' as competency,
            (statement::json -> '$.result.score.scaled')::double as level
        from issued
        where kind = 'mastery' and statement_id not in (select voids from issued where voids is not null)
    """).pl()  # fmt: skip
