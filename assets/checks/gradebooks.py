"""Scores in LMSs that no session explains: a finding to look at, which stops nothing."""

from collections.abc import Mapping

import duckdb


def suspicious(con: duckdb.DuckDBPyConnection, source: str | None) -> dict[str, int]:
    """How many scores of high severity each LMS holds, as ``tenant/connector``; ``source`` is the mart's rows."""
    if source is None:
        return {}
    query = f"""
        select tenant || '/' || connector, count(*) from {source}
        where severity = 'high' group by all order by all
    """
    return dict(con.sql(query).fetchall())


def sentence(found: Mapping[str, int]) -> str:
    """The finding in one line, with where to look."""
    if not found:
        return "no score without a session"
    where = ", ".join(f"{count} in {name}" for name, count in found.items())
    return f"{sum(found.values())} scores may be forged ({where}); the dashboard's page Syncs lists them"
