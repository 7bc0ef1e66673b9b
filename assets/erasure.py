"""Erasing people from the lake: day files without them.

Only raw is rewritten here; ``assets.exports.erasure`` takes back statements. Core, marts and published files follow
from raw in the run after, as after any other change; nothing is patched twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from assets.contracts import Table
from assets.contracts.raw import BUNDLES, CRM_RECORDS, DELIVERIES, OUTCOMES
from assets.duck import connect, file_list
from assets.lake import Lake
from assets.raw.merge import PARQUET, settle

SESSION_TABLES = (DELIVERIES, BUNDLES)


@dataclass(frozen=True)
class Removed:
    """Rows that went, by table, and the days that have to be built anew."""

    rows: dict[str, int] = field(default_factory=dict)
    days: tuple[date, ...] = ()


def remove(
    lake: Lake, tenant: str, learners: Sequence[str], sessions: Sequence[str], tokens: Sequence[str] = ()
) -> Removed:
    """Rewrite every day file that holds rows of these sessions, outcomes of these learners, or CRM records naming them.

    ``tokens`` are the digests by which connectors' records name the learners.

    Raises:
        LakeBusyError: another process writes the lake.
    """
    rows: dict[str, int] = {}
    days: set[date] = set()
    with lake.writing("erasing"), lake.staging() as folder:
        con = connect(folder)
        try:
            con.register("gone_sessions", pl.DataFrame({"session_id": sessions}, schema={"session_id": pl.String}))
            con.register("gone_learners", pl.DataFrame({"learner_key": learners}, schema={"learner_key": pl.String}))
            for table in (*SESSION_TABLES, OUTCOMES):
                by = "learner_key" if table is OUTCOMES else "session_id"
                count, touched = _without(con, lake, folder, table, tenant, by)
                rows[table.path] = count
                days |= touched
            rows[CRM_RECORDS.path] = _without_people(con, lake, folder, tenant, tokens)
        finally:
            con.close()
    return Removed(rows, tuple(sorted(days)))


def _without(
    con: duckdb.DuckDBPyConnection, lake: Lake, folder: Path, table: Table, tenant: str, by: str
) -> tuple[int, set[date]]:
    """Write the table's touched days without the rows whose ``by`` is listed; how many rows went, and the days."""
    files = lake.files(table.path)
    if not files:
        return 0, set()
    gone = "gone_learners" if by == "learner_key" else "gone_sessions"
    theirs = f"tenant = $tenant and {by} in (select {by} from {gone})"
    counted = con.execute(
        f"select day, count(*) from read_parquet({file_list(files)}) where {theirs} group by day", {"tenant": tenant}
    ).fetchall()
    touched = {day for day, _ in counted}
    if not touched:
        return 0, set()
    staged = folder / table.name
    staged.mkdir()
    con.execute(
        f"""copy (
            select {", ".join(table.column_names)} from read_parquet({file_list(lake.files(table.path, touched))})
            where not coalesce({theirs}, false)
            order by day, {", ".join(table.key)}
        ) to '{staged}' ({PARQUET})""",
        {"tenant": tenant},
    )
    settle(con, staged, table.key)
    lake.replace_days(table.path, staged, touched)
    return sum(count for _, count in counted), touched


def _without_people(
    con: duckdb.DuckDBPyConnection, lake: Lake, folder: Path, tenant: str, tokens: Sequence[str]
) -> int:
    """Write the touched days of connectors' records without these people; how many versions went or changed.

    A version names people in order of preference. One that names an erased person first goes; in another the person is
    cut off with all who come after. Where the newest version goes, all go: an older one would say what is not so.
    """
    files = lake.files(CRM_RECORDS.path)
    if not files or not tokens:
        return 0
    con.execute(
        f"""create temp table naming as
        with
        versions as (
            select
                *,
                list_position(list_transform(people, lambda each: list_contains($tokens, each.token)), true) as place,
                row_number() over (
                    partition by connector, entity, record_id
                    order by received_at desc, modified_at desc nulls last, version
                ) as age
            from read_parquet({file_list(files)})
            where tenant = $tenant
        ),
        gone as (
            select connector, entity, record_id from versions where age = 1 and place = 1
        )
        select
            day, tenant, connector, entity, record_id, version, received_at,
            case when gone.record_id is not null then 1 else place end as place
        from versions
        left join gone using (connector, entity, record_id)
        where gone.record_id is not null or place > 0
        """,
        {"tenant": tenant, "tokens": list(tokens)},
    )
    touched = {day for (day,) in con.sql("select distinct day from naming").fetchall()}
    ((count,),) = con.sql("select count(*) from naming").fetchall()
    if not touched:
        return 0
    staged = folder / CRM_RECORDS.name
    staged.mkdir()
    columns = ", ".join(f"records.{name}" for name in CRM_RECORDS.column_names if name != "people")
    key = ", ".join(CRM_RECORDS.key)
    con.execute(
        f"""copy (
            select {columns}, people[: coalesce(naming.place - 1, len(people))] as people
            from read_parquet({file_list(lake.files(CRM_RECORDS.path, touched))}) as records
            left join naming using ({key})
            where naming.place is distinct from 1
            order by records.day, {key}
        ) to '{staged}' ({PARQUET})"""
    )
    settle(con, staged, CRM_RECORDS.key)
    lake.replace_days(CRM_RECORDS.path, staged, touched)
    return count
