"""What a CRM is told about people: readiness a competency, last certification, next practice, and where it is from.

Readiness is the level of marts/learner_progress in percent (the recency-weighted mean of the rubric scores), from two
attempts on; ``ready`` says that it reaches the mastery of competencies.yaml. It is read from what was published, so
that a CRM never holds what the checks have stopped.
"""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from assets.duck import connect, literal
from governance.catalog import Catalog
from integrations.crm.config import Writing

SQL = Path(__file__).parent / "sql"
TABLES = ("sessions", "session_scores", "learner_progress")
PLAIN = ("last_practised_on", "last_certified_on", "last_certification", "next_practice_due", "provenance")


def people(marts: Path, tenant: str, catalog: Catalog, writing: Writing) -> pl.DataFrame | None:
    """One row per learner with anything to tell: ``learner_key``, then a column for each value that is mapped.

    None where nothing is published yet. A null is nothing to say, never an empty value.
    """
    published = marts / tenant / "current"
    if not published.exists():
        return None
    con = connect()
    try:
        con.execute(f"attach {literal(str(published.resolve()))} as published (read_only)")
        for table in TABLES:
            con.execute(f"create view {table} as from published.{table}")
        con.register("mastery", catalog.competencies_frame())
        return _wide(con, writing)
    finally:
        con.close()


def _wide(con: duckdb.DuckDBPyConnection, writing: Writing) -> pl.DataFrame:
    """The values that are mapped, under the CRM's own field names."""
    text = (SQL / "readiness.sql").read_text("utf-8")
    days = {"review_days": writing.review_days, "practice_days": writing.practice_days}
    found = con.sql(text, params=days)
    columns = []
    for ours, theirs in writing.fields.items():
        part, _, competency = ours.partition(".")
        value = ours if ours in PLAIN else f"competencies[{literal(competency)}].{part}"
        columns.append(f'{value} as "{theirs}"')
    con.register("found", found.to_arrow_table())
    rows = con.sql(f"select learner_key, {', '.join(columns)} from found order by learner_key").pl()
    mapped = list(writing.fields.values())
    return rows.filter(pl.any_horizontal(pl.col(mapped).is_not_null()))


def spelt(value: object) -> object:
    """A value as JSON holds it."""
    return value.isoformat() if isinstance(value, date) else value
