"""Read changed days of core into a working file, and remember what was read.

``ledger.days`` keeps, for every source table and day, the identity of the lake's file and a digest of the tenant's
rows in it: a file that was written again with the same rows changes nothing.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from assets.contracts import JUDGED, OVERVIEWS, PUBLISHED, PUBLISHED_CORE, TABLES, quarantine_of
from assets.duck import file_list, literal, side_by_side
from assets.lake import Lake
from assets.marts.digests import ROW_DIGEST, table_digest
from assets.marts.exposures import COLUMNS as EXPOSURES
from assets.marts.scope import Scope
from assets.marts.tables import SHOWN, SOURCES, STAGES, create, database, insert

LEDGER_TABLES = frozenset({"facts", "days", "exposures", *(name for name in STAGES if database(name) == "ledger")})
WHOLE_TABLE = date(1, 1, 1)  # stands for the day of a table that has none


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Create what is missing of ledger and source tables, and drop what the ledger holds no longer."""
    con.execute("create table if not exists ledger.main.facts (name varchar primary key, value varchar)")
    con.execute(
        "create table if not exists ledger.main.days (table_name varchar, day date, file varchar, digest varchar)"
    )
    con.execute(f"create table if not exists ledger.main.exposures ({EXPOSURES})")
    con.execute("create temp table scope_learners (learner_key varchar)")
    con.execute("create temp table scope_people (learner_key varchar)")
    con.execute("create temp table scope_practice (learner_key varchar, scenario_id varchar)")
    con.execute("create temp table scope_curves (learner_key varchar, competency varchar)")
    con.execute(
        "create table if not exists ledger.main.watched (tenant varchar, scenario_id varchar,"
        " scenario_version varchar, guardrail varchar, severity integer, regulation varchar)"
    )
    present = con.sql("select database_name, table_name from duckdb_tables()").fetchall()
    for name in (*SOURCES, *SHOWN):
        if ("working", name) not in present:
            con.execute(create(PUBLISHED[name]))
    for place, name in present:
        # An earlier release may have staged it, and nobody would take out of it who is erased.
        if place == "ledger" and name not in LEDGER_TABLES:
            con.execute(f'drop table ledger.main."{name}"')


def fact(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """A remembered fact."""
    exists = con.sql("select 1 from duckdb_tables() where database_name = 'ledger' and table_name = 'facts'").fetchall()
    found = con.sql("select value from ledger.main.facts where name = ?", params=[name]).fetchall() if exists else []
    return found[0][0] if found else None


def note(con: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    """Remember a fact durably."""
    con.execute("insert or replace into ledger.main.facts values (?, ?)", [name, value])


def shape_holds(con: duckdb.DuckDBPyConnection) -> bool:
    """Sources and published stages have the contract's columns and types; otherwise everything has to be read anew."""
    found: dict[str, list[tuple[str, str]]] = {}
    rows = con.sql(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = 'working' order by table_name, column_index"
    ).fetchall()
    for table, column, kind in rows:
        found.setdefault(table, []).append((column, kind))
    with duckdb.connect() as fresh:
        for name in (*SOURCES, *SHOWN):
            fresh.execute(create(PUBLISHED[name]))
        rows = fresh.sql(
            "select table_name, column_name, data_type from duckdb_columns()"
            " where database_name = 'memory' order by table_name, column_index"
        ).fetchall()
    wanted: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in rows:
        wanted.setdefault(table, []).append((column, kind))
    return all(found.get(name) == columns for name, columns in wanted.items())


def _known(con: duckdb.DuckDBPyConnection, name: str) -> dict[date, tuple[str, str]]:
    rows = con.sql("select day, file, digest from ledger.main.days where table_name = ?", params=[name]).fetchall()
    return {day: (file, digest) for day, file, digest in rows}


def _remember(con: duckdb.DuckDBPyConnection, name: str, days: dict[date, tuple[str, str]], gone: set[date]) -> None:
    listed = sorted(days.keys() | gone)
    if not listed:
        return
    con.execute("delete from ledger.main.days where table_name = ? and day in (select unnest(?))", [name, listed])
    if days:
        frame = pl.DataFrame(
            [(name, day, file, digest) for day, (file, digest) in days.items()],
            schema=["table_name", "day", "file", "digest"],
            orient="row",
        )
        con.register("ledger_rows", frame)
        con.execute("insert into ledger.main.days by name select * from ledger_rows")
        con.unregister("ledger_rows")


@dataclass
class Plan:
    """What has to happen to one table: files to look at, days to replace, days to forget."""

    name: str
    files: dict[date, str]
    digests: dict[date, str]
    replaced: set[date]
    gone: set[date]
    first: bool


def load(con: duckdb.DuckDBPyConnection, lake: Lake, tenant: str, scope: Scope) -> dict[str, list[date]]:
    """Load every source table; tells ``scope`` what changed and returns the changed days by table."""
    changed = {"learners": _learners(con, lake, tenant, scope), "launches": _launches(con, lake, tenant, scope)}
    plans = [_plan(con, lake, tenant, name) for name in PUBLISHED_CORE if TABLES[f"core/{name}"].partitioned]
    days = {day for plan in plans if plan.name != "outcomes" for day in plan.replaced}
    scope.outcome_days = {day for plan in plans if plan.name == "outcomes" for day in plan.replaced}
    scope.note(con, days)
    side_by_side(con, lambda desk, plan: _carry_out(desk, lake, tenant, plan), plans)
    for plan in plans:
        _remember(con, plan.name, {day: (file, plan.digests[day]) for day, file in plan.files.items()}, plan.gone)
        changed[plan.name] = sorted(plan.replaced)
    scope.note(con, days)
    changed["quarantine"] = _quarantine(con, lake, tenant, scope)
    return changed


def _source(lake: Lake, tenant: str, name: str, days: set[date]) -> str:
    """The tenant's rows of some days of core, with the contract's columns and types."""
    table = TABLES[f"core/{name}"]
    columns = ", ".join(f'cast("{column.name}" as {column.type}) as "{column.name}"' for column in table.columns)
    files = lake.files(table.path, days) if table.partitioned else [lake.path(table.path)]
    hive = "hive_partitioning = true, hive_types = {'day': date}" if table.partitioned else "hive_partitioning = false"
    return f"select {columns} from read_parquet({file_list(files)}, {hive}) where tenant = {literal(tenant)}"


def _plan(con: duckdb.DuckDBPyConnection, lake: Lake, tenant: str, name: str) -> Plan:
    """Compare the lake with the ledger. A first load is not read twice: its digests are taken afterwards."""
    files, known = lake.file_ids(f"core/{name}"), _known(con, name)
    fresh = {day: file for day, file in files.items() if day not in known or known[day][0] != file}
    gone = set(known) - set(files)
    if not known:
        return Plan(name, fresh, {}, set(fresh), gone, first=True)
    digests = dict.fromkeys(fresh, "")
    if fresh:
        source = _source(lake, tenant, name, set(fresh))
        digests |= dict(con.sql(f"select day, {ROW_DIGEST} from ({source}) as row_ group by day").fetchall())
    replaced = {day for day, digest in digests.items() if digest != known.get(day, ("", ""))[1]}
    return Plan(name, fresh, digests, replaced | {day for day in gone if known[day][1]}, gone, first=False)


def _carry_out(con: duckdb.DuckDBPyConnection, lake: Lake, tenant: str, plan: Plan) -> None:
    """Replace the rows of changed days; one thread a table, so that rows lie in order of day and block by block."""
    days = sorted(plan.replaced)
    if days and not plan.first:
        con.execute(f'delete from working.main."{plan.name}" where day in (select unnest(?))', [days])
    present = plan.replaced & plan.files.keys()
    if present:
        con.execute(f'insert into working.main."{plan.name}" by name {_source(lake, tenant, plan.name, present)}')
    if plan.first:
        query = f'select day, {ROW_DIGEST} from working.main."{plan.name}" as row_ group by day'
        plan.digests = dict.fromkeys(plan.files, "") | dict(con.sql(query).fetchall())


def _learners(con: duckdb.DuckDBPyConnection, lake: Lake, tenant: str, scope: Scope) -> list[date]:
    """Replace the learners where the file changed, and name those whose row did."""
    file, known = lake.file_id("core/learners"), _known(con, "learners").get(WHOLE_TABLE)
    if file is None or (known is not None and known[0] == file):
        return []
    con.execute(f"create or replace temp table learners_now as {_source(lake, tenant, 'learners', set())}")
    differing = (
        "select learner_key from ((from learners_now except from working.main.learners)"
        " union all (from working.main.learners except from learners_now))"
    )
    con.execute(f"insert into scope_learners {differing}")
    ((count,),) = con.sql("select count(*) from scope_learners").fetchall()
    if count:
        con.execute("delete from working.main.learners")
        con.execute("insert into working.main.learners by name from learners_now")
        scope.learners_changed = True
    con.execute("drop table learners_now")
    _remember(con, "learners", {WHOLE_TABLE: (file, table_digest(con, "working.main.learners"))}, set())
    return [WHOLE_TABLE] if count else []


def _launches(con: duckdb.DuckDBPyConnection, lake: Lake, tenant: str, scope: Scope) -> list[date]:
    """Replace launches by the day they were registered: their table is one file, and most of it never changes."""
    file, known = lake.file_id("core/launches"), _known(con, "launches")
    if file is None or known.get(WHOLE_TABLE, ("", ""))[0] == file:
        return []
    source = _source(lake, tenant, "launches", set())
    found = dict(
        con.sql(f"select cast(launched_at as date), {ROW_DIGEST} from ({source}) as row_ group by 1").fetchall()
    )
    changed = {day for day in found.keys() | known.keys() if found.get(day) != known.get(day, ("", None))[1]}
    changed.discard(WHOLE_TABLE)
    days = sorted(changed)
    con.execute("delete from working.main.launches where cast(launched_at as date) in (select unnest(?))", [days])
    con.execute(
        f"insert into working.main.launches by name select * from ({source})"
        " where cast(launched_at as date) in (select unnest(?))",
        [days],
    )
    scope.note_weeks(changed)
    present = {day: ("", found[day]) for day in changed & found.keys()}
    _remember(con, "launches", {**present, WHOLE_TABLE: (file, "")}, changed - found.keys())
    return days


def _quarantine(con: duckdb.DuckDBPyConnection, lake: Lake, tenant: str, scope: Scope) -> list[date]:
    """The overview of every quarantine table: where a row came from and why it is there, never the row."""
    changed: set[date] = set()
    for table in JUDGED:
        held = quarantine_of(table)
        files, known = lake.file_ids(held.path), _known(con, held.name)
        fresh = {day: file for day, file in files.items() if known.get(day, ("", ""))[0] != file}
        gone = set(known) - set(files)
        days = sorted(fresh.keys() | gone)
        if not days:
            continue
        con.execute(
            "delete from working.main.quarantine where table_name = ? and day in (select unnest(?))",
            [table.name, days],
        )
        if fresh:
            reasons = pl.DataFrame(
                [(rule, table.reasons.get(rule, rule)) for rule in table.rules],
                schema=["rule", "sentence"],
                orient="row",
            )
            con.register("rule_reasons", reasons)
            con.execute(
                f"insert into working.main.quarantine by name {_overview(lake, tenant, table.name, held.path, fresh)}"
            )
            con.unregister("rule_reasons")
        _remember(con, held.name, {day: (file, "") for day, file in fresh.items()}, gone)
        changed |= set(days)
    scope.days |= changed
    return sorted(changed)


def _overview(lake: Lake, tenant: str, name: str, path: str, days: Iterable[date]) -> str:
    return f"""
        with rows_held as (
            select tenant, session_id, day, row_number, broken_rules, raw_ref, first_seen_at
            from read_parquet(
                {file_list(lake.files(path, days))}, hive_partitioning = true, hive_types = {{'day': date}}
            )
            where tenant = {literal(tenant)}
        ),
        told as (
            select
                raw_ref,
                row_number,
                string_agg(
                    coalesce(
                        sentence,
                        case
                            when ends_with(rule, '_present')
                            then regexp_replace(rule, '_present$', '') || ' is missing'
                        end,
                        rule
                    ),
                    '; ' order by rule
                ) as reason
            from (select raw_ref, row_number, unnest(broken_rules) as rule from rows_held)
            left join rule_reasons using (rule)
            group by raw_ref, row_number
        )
        select rows_held.*, {literal(name)} as table_name, coalesce(reason, '') as reason
        from rows_held left join told using (raw_ref, row_number)
    """


def load_batches(con: duckdb.DuckDBPyConnection, tenant: str, batches: pl.DataFrame | None) -> None:
    """Replace the overview of ingest batches by ``Batches.frame(tenant)``."""
    renamed = None if batches is None else batches.rename({"read": "rows_read"})
    load_register(con, "ingest_batches", tenant, renamed)


def load_register(con: duckdb.DuckDBPyConnection, name: str, tenant: str, rows: pl.DataFrame | None) -> bool:
    """Replace an overview by the tenant's rows of a register; whether they differ from those before."""
    before = table_digest(con, f"working.main.{name}")
    con.execute(f'delete from working.main."{name}"')
    if rows is not None and rows.height:
        own = rows.filter(pl.col("tenant") == tenant)
        insert(con, name, own.select([each for each in PUBLISHED[name].column_names if each in own.columns]))
    return before != table_digest(con, f"working.main.{name}")


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of every published table."""
    query = " union all ".join(f"select '{name}', count(*) from working.main.\"{name}\"" for name in PUBLISHED)
    return dict(con.sql(query).fetchall())


def digests(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """One content digest per source table, from the digests of its days."""
    rows = con.sql("select table_name, day, digest from ledger.main.days where digest <> '' order by all").fetchall()
    known: dict[str, list[str]] = {name: [] for name in SOURCES}
    for name, day, digest in rows:
        known.setdefault(name, []).append(f"{day}={digest}")
    found = {name: hashlib.sha256("\n".join(parts).encode()).hexdigest() for name, parts in known.items()}
    for name in (table.name for table in OVERVIEWS):
        found[name] = table_digest(con, f"working.main.{name}")
    return found


def free_share(con: duckdb.DuckDBPyConnection) -> float:
    """Share of the working file that no table uses."""
    ((total, free),) = con.sql(
        "select total_blocks, free_blocks from pragma_database_size() where database_name = 'working'"
    ).fetchall()
    return free / total if total > 64 else 0.0
