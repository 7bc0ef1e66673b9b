"""What the lake and the published marts hold about a person: which sessions are theirs, and every row."""

from collections.abc import Sequence
from typing import Any

import duckdb
import orjson
import polars as pl

from assets.contracts import PUBLISHED, PUBLISHED_CORE, TABLES, XAPI_STATEMENTS
from assets.contracts.raw import BUNDLES, CRM_RECORDS
from assets.contracts.table import Table
from assets.duck import connect, file_list
from assets.lake import Lake
from governance.launches import Launches
from governance.privacy.reach import Subject

SESSIONS = {"session_id": pl.String, "learner_key": pl.String, "scenario_id": pl.String, "day": pl.Date}
MEDIA = {
    "session_id": pl.String,
    "uri": pl.String,
    "kind": pl.String,
    "started_at": pl.Datetime("us", "UTC"),
    "probed_duration_s": pl.Float64,
    "sha256": pl.String,
    "status": pl.String,
    "captions_path": pl.String,
}
NAMED_IN_ROW = pl.col("row").str.json_path_match
LAYERS = ("raw", "core", "exports")


def sessions_of(lake: Lake, launches: Launches, tenant: str, learners: Sequence[str] | None = None) -> pl.DataFrame:
    """One row per session of the tenant (of these learners alone, where given), wherever it is known.

    Core knows most. Those in quarantine, bundles that never became a session and launches whose session never arrived
    are the person's as well.
    """
    core = _scanned(lake, "core/sessions", SESSIONS, tenant).select(*SESSIONS)
    judged = _scanned(
        lake, "core/sessions_quarantine", {"session_id": pl.String, "row": pl.String, "day": pl.Date}, tenant
    )
    refused = judged.select(
        "session_id", NAMED_IN_ROW("$.learner_key").alias("learner_key"),
        NAMED_IN_ROW("$.scenario_id").alias("scenario_id"), "day",
    )  # fmt: skip
    bundles = _scanned(lake, BUNDLES.path, SESSIONS, tenant).select(*SESSIONS)
    registered = launches.frame(tenant).select(
        "session_id", "learner_key", "scenario_id", pl.col("launched_at").dt.date().alias("day")
    )
    known = pl.concat([core, refused, bundles, registered.lazy()]).filter(pl.col("session_id").is_not_null())
    sessions = known.unique("session_id", keep="first", maintain_order=True)
    if learners is not None:
        sessions = sessions.filter(pl.col("learner_key").is_in(list(learners)))
    return sessions.collect()


def media_of(lake: Lake, tenant: str, sessions: Sequence[str]) -> pl.DataFrame:
    """One row per recording of these sessions: where it is, and its captions below the exports."""
    rows = _scanned(lake, "core/media", MEDIA, tenant).filter(pl.col("session_id").is_in(list(sessions)))
    return rows.select(*MEDIA).sort("session_id", "uri").collect()


def statements_of(lake: Lake, tenant: str, sessions: Sequence[str]) -> tuple[str, ...]:
    """Ids of the statements that were issued about these sessions, voidings included."""
    schema = {"session_id": pl.String, "statement_id": pl.String}
    rows = _scanned(lake, XAPI_STATEMENTS.path, schema, tenant).filter(pl.col("session_id").is_in(list(sessions)))
    return tuple(rows.select("statement_id").collect()["statement_id"].sort())


def rows_of(lake: Lake, subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Rows about the subject by table of the lake, each table in the order of its key; JSON columns are parsed."""
    con = connect()
    try:
        found = {}
        for path, table in TABLES.items():
            files = lake.files(path) or [file for file in (lake.path(path),) if file.is_file()]
            if table.layer in LAYERS:
                source = f"read_parquet({file_list(files)}, hive_partitioning = false)"
                found[path] = _rows(con, source, table, subject) if files else []
        return found
    finally:
        con.close()


def published_rows_of(con: duckdb.DuckDBPyConnection, subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Rows about the subject by table of the open published version that are made by it, not taken over from core."""
    derived = {name: table for name, table in PUBLISHED.items() if name not in PUBLISHED_CORE}
    return {f"marts/{name}": _rows(con, f'"{name}"', table, subject) for name, table in derived.items()}


def _rows(con: duckdb.DuckDBPyConnection, source: str, table: Table, subject: Subject) -> list[dict[str, Any]]:
    condition = condition_of(table)
    if condition is None:
        return []
    columns = ", ".join(f'"{name}"' for name in table.column_names)
    named = {"tenant": subject.tenant, "learners": list(subject.learners), "sessions": list(subject.sessions),
             "tokens": list(subject.tokens)}  # fmt: skip
    asked = {name: value for name, value in named.items() if f"${name}" in condition}
    order = ", ".join(f'"{name}"' for name in table.key)
    result = con.execute(f"select {columns} from {source} where {condition} order by {order}", asked)
    names = [each[0] for each in result.description or ()]
    parsed = {column.name for column in table.columns if column.type == "json"} | {"statement", "body"}
    return [
        {name: orjson.loads(cell) if name in parsed and cell else cell for name, cell in zip(names, row, strict=True)}
        for row in result.fetchall()
    ]


def condition_of(table: Table) -> str | None:
    """The condition that a row is about the subject; None where the table names nobody."""
    names = set(table.column_names)
    found = []
    if "learner_key" in names:
        found.append("list_contains($learners, learner_key)")
    if "session_id" in names:
        found.append("list_contains($sessions, session_id)")
    if "row" in names:
        found.append("list_contains($learners, row ->> '$.learner_key')")
    if "record_key" in names:
        found.append("list_contains($learners, record_key)")
    if table is CRM_RECORDS:
        found.append("list_has_any(list_transform(people, lambda each: each.token), $tokens)")
    return f"tenant = $tenant and ({' or '.join(found)})" if found else None


def _scanned(lake: Lake, table: str, schema: dict[str, Any], tenant: str) -> pl.LazyFrame:
    files = lake.files(table)
    if not files:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(files, hive_partitioning=False).filter(pl.col("tenant") == tenant)
