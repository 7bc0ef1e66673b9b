"""Parting rows into those that keep their table's rules and those that do not; every row ends in one of the two."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from assets.contracts import quarantine_of
from assets.contracts.table import Table
from assets.raw.merge import PARQUET, settle
from assets.raw.spread import MANY, write_days, write_each_day

# Copied from the session's row or counted by us, so never missing. Asking all the same would work every word count out
# twice, a tenth of a build; the contract checks after the build look at these columns too.
CONSTRUCTED = frozenset({"tenant", "session_id", "day", "ordinal", "raw_ref", "words"})
ACCEPTED_SESSION = "session_accepted"  # a part of a refused session shares its fate, so that nothing hangs in the air


class ConservationError(RuntimeError):
    """Rows were lost or doubled between input and the two tables; a fault in the pipeline, never in the data."""


@dataclass(frozen=True)
class Judged:
    """Rows of one table in one build."""

    table: Table
    rows: int
    quarantined: int
    good: Path
    bad: Path


def keeps_rules(table: Table, broken_sessions: bool, given: Sequence[str] | None = None) -> str:
    """Predicate of a good row: every rule holds, and a rule whose answer is NULL does not.

    ``given`` limits the check for missing values to columns that the relation at hand has already.
    """
    predicates = [f"coalesce({predicate}, false)" for predicate in table.rules.values()]
    predicates += [f"{name} is not null" for name in _asked(table) if given is None or name in given]
    if broken_sessions:
        predicates.append("(tenant, session_id) not in (from broken_sessions)")
    return " and ".join(predicates)


def broken_rules(table: Table, broken_sessions: bool) -> str:
    """The names of every rule that a row broke, as a list."""
    rules = {name: f"coalesce({predicate}, false)" for name, predicate in table.rules.items()}
    rules |= {f"{name}_present": f"{name} is not null" for name in _asked(table)}
    if broken_sessions:
        rules[ACCEPTED_SESSION] = "(tenant, session_id) not in (from broken_sessions)"
    cases = ", ".join(f"case when not {holds} then '{name}' end" for name, holds in rules.items())
    return f"list_filter([{cases}], lambda rule: rule is not null)"


def _asked(table: Table) -> list[str]:
    """Required columns whose presence is judged row by row."""
    return [name for name in table.required if name not in CONSTRUCTED]


def part(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    source: str,
    folder: Path,
    *,
    expected: int,
    ordered: bool = True,
    broken_sessions: bool = False,
    first_seen: str | None = None,
    spans: Sequence[tuple[date, date]] = ((date.min, date.max),),
    days: Sequence[date] = (),
) -> Judged:
    """Write the good rows of ``source`` (a relation with the table's columns and more) and the broken ones, by day.

    Rows that already come in order are written as they come: sorting three million turns costs more than making them.
    ``expected`` is the number of input rows, counted elsewhere; ``first_seen`` is the expression of the time at which
    the raw row was accepted, by default that of the session's first part in ``facts``. ``spans``, first and last day,
    are written one after the other, so that only one has to fit into memory; together they hold every row. Where all
    ``days`` are named instead, rows in order are written as they are made if there are many of each.

    Raises:
        ConservationError: good and broken rows are not together the input.
    """
    good, bad = folder / table.name, folder / f"{table.name}_quarantine"
    keeps = keeps_rules(table, broken_sessions)
    columns = ", ".join(f"{column.name}::{column.type} as {column.name}" for column in table.columns)
    names = ", ".join(table.column_names)
    order = table.key if ordered else ()
    select = f"select {columns} from {source} where {keeps}"
    if not ordered and expected >= MANY * len(days) > 0:
        rows = write_each_day(con, f"{select} and day = $day", days, good)
    else:
        within = (f"day between date '{first}' and date '{last}'" for first, last in spans)
        rows = sum(write_days(con, f"{select} and {some}", order, good) for some in within)
    settle(con, good, table.key)
    broken = 0
    if rows != expected:
        broken = _quarantine(con, table, source, bad, names, keeps, broken_rules(table, broken_sessions), first_seen)
    if rows + broken != expected:
        raise ConservationError(f"{table.path}: {expected} rows in, {rows} good and {broken} broken out; report it")
    return Judged(table, rows, broken, good, bad)


def _quarantine(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    source: str,
    bad: Path,
    names: str,
    keeps: str,
    rules: str,
    first_seen: str | None,
) -> int:
    quarantine = quarantine_of(table)
    columns = ", ".join(f"{column.name}::{column.type} as {column.name}" for column in quarantine.columns)
    seen = first_seen or (
        "(select min(first_received_at) from facts where facts.tenant = judged.tenant"
        " and facts.session_id = judged.session_id)"
    )
    session = "session_id" if "session_id" in table.column_names else "null"
    query = f"""
        select {columns} from (
            select
                judged.tenant,
                {session} as session_id,
                judged.day,
                row_number() over (
                    partition by judged.tenant, judged.raw_ref order by judged.row::varchar
                ) - 1 as row_number,
                judged.broken_rules,
                judged.row,
                judged.raw_ref,
                judged.first_seen_at
            from (
                select
                    *,
                    {rules} as broken_rules,
                    to_json({{{", ".join(f"'{name}': {name}" for name in table.column_names)}}}) as row,
                    {seen} as first_seen_at
                from (from {source}) as judged
                where not ({keeps})
            ) as judged
        )
        order by day, tenant, raw_ref, row_number
    """
    rows = _copy(con, query, bad)
    settle(con, bad, quarantine.key)
    return rows


def _copy(con: duckdb.DuckDBPyConnection, query: str, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    return con.execute(f"copy ({query}) to '{folder}' ({PARQUET})").fetchall()[0][0]


def days_below(folder: Path) -> Sequence[date]:
    """Days that a staged table has."""
    return sorted(date.fromisoformat(path.name.removeprefix("day=")) for path in folder.glob("day=*"))
