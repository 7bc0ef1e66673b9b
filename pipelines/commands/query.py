"""``rolecall query``: read-only SQL over what is published."""

import csv
import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


WIDEST = 100_000  # columns of a table that goes into a file or a pipe


class Format(StrEnum):
    """How an answer is written."""

    table = "table"
    json = "json"
    csv = "csv"


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT, in DuckDB's dialect", metavar="SQL")],
    tenant: Annotated[str | None, typer.Option(help="Whose data; default: the only tenant there is")] = None,
    format: Annotated[Format, typer.Option(help="How to write the answer")] = Format.table,  # noqa: A002
) -> None:
    """Ask the published marts and session-grain tables.

    The tables carry bare names: sessions, criterion_scores, competency_trend, … `show tables` lists them.
    """
    from governance.access import Thing
    from governance.settings import Settings
    from pipelines.authority import permitted
    from pipelines.tenants import only_tenant

    settings = Settings()
    whose = only_tenant(settings, tenant)
    current = settings.marts / whose / "current"
    permitted(settings, "export_rows", [Thing.cell(whose, "*")], f"query of {tables_of(sql)}")
    names, rows = answer(current, sql)
    write(names, rows, format)


def answer(current: "Path", sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one query over the published file that ``current`` points at.

    Raises ``Problem`` where nothing is published or the SQL is wrong.
    """
    import duckdb

    from pipelines.problems import Problem, one_line

    if not current.exists():
        raise Problem(f"Nothing is published for {current.parent.name} yet", "Run `rolecall run`")
    with open_locked(current) as con:
        try:
            statements = con.extract_statements(sql)
            if len(statements) != 1:
                raise Problem("Give one statement, not " + ("none" if not statements else str(len(statements))))
            result = con.sql(statements[0])
            if result is None:
                raise Problem("That statement answers nothing", "Only reading is possible: write a SELECT")
            return list(result.columns), result.fetchall()
        except duckdb.Error as error:
            raise Problem(
                f"The SQL failed: {one_line(error)}", "`rolecall query 'show tables'` lists the tables"
            ) from error


def tables_of(sql: str) -> str:
    """The tables that a query names, for the log: its own text may hold what no log should."""
    import duckdb

    try:
        with duckdb.connect() as con:  # DuckDB's parser; nothing is looked up
            (text,) = con.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchall()[0]
    except duckdb.Error:  # the answer says what is wrong with it
        return "no table"
    named: set[str] = set()
    own: set[str] = set()
    waiting = [json.loads(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if node.get("type") == "BASE_TABLE":
                named.add(str(node.get("table_name")))
            own.update(each["key"] for each in (node.get("cte_map") or {}).get("map", ()))
        waiting += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return ", ".join(sorted(named - own)) or "no table"


def open_locked(current: "Path") -> "duckdb.DuckDBPyConnection":
    """Open the published version read-only, without access to other files or the network."""
    import duckdb

    con = duckdb.connect(str(current.resolve()), read_only=True)  # the link may move on; the version stays
    con.execute("set timezone = 'UTC'")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    return con


def write(names: Sequence[str], rows: Sequence[Sequence[Any]], form: Format) -> None:
    """Write the answer to standard output."""
    if form is Format.json:
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        typer.echo(json.dumps(listed, default=_plain, ensure_ascii=False, indent=None))
    elif form is Format.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
    else:
        from rich.console import Console

        from pipelines.console import OUT, table

        shown = table(None, names, rows)
        if OUT.is_terminal:
            OUT.print(shown)
        else:  # no screen is in the way: a row is a line, as wide as it needs
            Console(file=OUT.file, width=WIDEST, highlight=False, emoji=False, color_system=None).print(shown)
        OUT.print(f"[dim]{len(rows):,} {'row' if len(rows) == 1 else 'rows'}[/]")


def _plain(value: object) -> object:
    """JSON has no dates and no decimals: times in ISO 8601, amounts as numbers."""
    from datetime import date, time
    from decimal import Decimal

    if isinstance(value, date | time):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else str(value)
