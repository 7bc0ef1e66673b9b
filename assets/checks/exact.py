"""The exact verdict over every row, in one scan of DuckDB, and the schema check of every table."""

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
    row_rules = [(rule, broken) for rule in rules if (broken := rule.broken) is not None]
    counted = [f"count(*) filter (where {broken})" for _, broken in row_rules]
    key = ", ".join(f'"{name}"' for name in table.key)
    counted.append(f"count(*) - count(distinct hash({key}))")
    ((rows, *found),) = con.sql(f"select count(*), {', '.join(counted)} from {source} as judged").fetchall()
    unique = next(rule for rule in rules if rule.kind == "unique")
    pairs = [*zip((rule for rule, _ in row_rules), found[:-1], strict=True), (unique, found[-1])]
    return Verdict(rows, _by(pairs, "critical"), _by(pairs, "warning"))


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
