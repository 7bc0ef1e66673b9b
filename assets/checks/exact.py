"""The exact verdict over every row, in one statement of DuckDB, and the schema check of every table."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from assets.checks.rules import Rule, contract_rules
from assets.contracts import Table


@dataclass(frozen=True)
class Verdict:
    """Rows looked at, and how many broke each rule that was broken. No value of any row is in it."""

    rows: int
    broken: dict[str, int]
    doubted: dict[str, int]


def judge(con: duckdb.DuckDBPyConnection, table: Table, source: str) -> Verdict:
    """Judge the rows of ``source`` (a table name or a parenthesised query) by the table's rules."""
    rules = contract_rules(table)
    counted = [_broken(rule) or _repeated(table, source) for rule in rules]
    # ``con.sql`` would plan the statement twice, which is half of what a small table costs.
    statement = f"select count(*), {', '.join(counted)} from {source} as judged"
    ((rows, *found),) = con.execute(statement).fetchall()
    pairs = list(zip(rules, found, strict=True))
    return Verdict(rows, _by(pairs, "critical"), _by(pairs, "warning"))


def _broken(rule: Rule) -> str | None:
    """How many rows break a rule, as SQL; a filter on each count would take half as long again."""
    if rule.kind == "not_null":
        return f'count(*) - count("{rule.columns[0]}")'
    return None if rule.broken is None else f"count_if({rule.broken})"


def _repeated(table: Table, source: str) -> str:
    """How many rows have the key of another before them, as SQL.

    Where rows are numbered within a session, a bit is set for each number: of 3.4 million turns that takes a third of
    what it takes to remember their keys, and memory for their sessions alone.
    """
    key = [f'"{name}"' for name in table.key]
    if table.key[-1] != "ordinal":
        return f"count(*) - count(distinct hash({', '.join(key)}))"
    return f"""
        (
            select coalesce(sum(n - coalesce(bit_count(seen), 1)), 0)
            from (
                select count(*) as n, bit_or(1::ubigint << (ordinal & 63)::ubigint) as seen
                from {source} as numbered
                group by hash({", ".join(key[:-1])}, ordinal >> 6)
            )
        )
    """


def _by(pairs: Sequence[tuple[Rule, int]], severity: str) -> dict[str, int]:
    return {rule.name: count for rule, count in pairs if count and rule.severity == severity}


def expected_schema(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, str]:
    """Column names and DuckDB's own spelling of their types, in order."""
    return _columns(con, "select " + ", ".join(f'null::{column.type} as "{column.name}"' for column in table.columns))


def _columns(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """Names and types of a query's columns, which DuckDB knows before it runs the query."""
    relation = con.sql(query)
    return dict(zip(relation.columns, map(str, relation.types), strict=True))


def schema_faults(con: duckdb.DuckDBPyConnection, table: Table, source: str, *, loose: bool = False) -> list[str]:
    """How the columns of ``source`` differ from the contract, one sentence each.

    ``loose`` allows for Parquet, which keeps JSON as text.
    """
    found = _columns(con, f"select * from {source} as described")
    wanted = expected_schema(con, table)
    faults = [f"column {name} is missing" for name in wanted if name not in found]
    faults += [f"column {name} is not in the contract" for name in found if name not in wanted]
    for name, kind in wanted.items():
        if name in found and _plain(found[name], loose=loose) != _plain(kind, loose=loose):
            faults.append(f"column {name} is {found[name]}, the contract says {kind}")
    return faults


def _plain(kind: str, *, loose: bool) -> str:
    return kind.replace("JSON", "VARCHAR") if loose else kind
