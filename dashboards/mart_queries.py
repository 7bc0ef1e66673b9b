"""Rows of one mart for one selection: the query that most pages need and nothing else.

Tables and columns are constants of the pages; what a reader chooses travels as parameters. All that narrows a result
is an argument, because caches are shared by all readers.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
import streamlit as st

from dashboards.reader import Edition, ask

CACHED = 400
FIRST, LAST = date(1900, 1, 1), date(9000, 1, 1)


@st.cache_data(max_entries=CACHED, show_spinner=False)
def tables(edition: Edition) -> frozenset[str]:
    """What this edition holds: one that was published before a mart existed does not have it."""
    return frozenset(ask(edition, "select table_name from duckdb_tables()", {})["table_name"].to_list())


@st.cache_data(max_entries=CACHED, show_spinner=False)
def mart(
    edition: Edition,
    name: str,
    where: Mapping[str, str | bool],
    order: Sequence[str] = (),
    weeks: tuple[date, date] | None = None,
) -> pl.DataFrame:
    """Every column of the rows that equal ``where``, withheld rows included; empty where the mart is missing."""
    if name not in tables(edition):
        return pl.DataFrame()
    conditions = ["tenant = $tenant", *(f"{column} = ${column}" for column in where)]
    parameters: dict[str, object] = {"tenant": edition.tenant, **where}
    if weeks is not None:
        conditions.append("week between $first and $last")
        parameters |= {"first": max(weeks[0], FIRST), "last": min(weeks[1], LAST)}
    ordered = f" order by {', '.join(order)}" if order else ""
    return ask(edition, f"select * from {name} where {' and '.join(conditions)}{ordered}", parameters)  # noqa: S608


@st.cache_data(max_entries=CACHED, show_spinner=False)
def values(edition: Edition, name: str, column: str) -> list[str]:
    """What a mart breaks down by in one column, in order; the roll-up ``*`` is left out."""
    if name not in tables(edition):
        return []
    query = f"select distinct {column} as value from {name} where tenant = $tenant and {column} <> '*' order by 1"  # noqa: S608
    return [str(value) for value in ask(edition, query, {"tenant": edition.tenant})["value"].to_list()]
