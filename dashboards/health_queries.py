"""Every SQL of the data health page."""

import polars as pl
import streamlit as st

from dashboards.reader import Edition, ask

CACHED = 100
LISTED = 500


def _tenant(edition: Edition) -> dict[str, object]:
    return {"tenant": edition.tenant}


@st.cache_data(max_entries=CACHED, show_spinner=False)
def days(edition: Edition) -> pl.DataFrame:
    """Sessions by UTC day and engine: complete, partial, open, and what is missing."""
    return ask(edition, "select * from data_health where tenant = $tenant order by day, engine", _tenant(edition))


@st.cache_data(max_entries=CACHED, show_spinner=False)
def freshness(edition: Edition) -> pl.DataFrame:
    """Newest arrival per source: engines by their sessions, outcomes and files by their batches."""
    return ask(
        edition,
        """
        select 'Engine ' || engine as source, max(last_received_at) as newest,
               cast(sum(sessions + test_sessions) as bigint) as rows
        from data_health where tenant = $tenant group by engine
        having max(last_received_at) is not null
        union all by name
        select 'Files: ' || kind as source, max(opened_at) as newest,
               cast(sum(rows_read) as bigint) as rows
        from ingest_batches where tenant = $tenant group by kind
        order by source
        """,
        _tenant(edition),
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def missing_parts(edition: Edition) -> pl.DataFrame:
    """How many sessions lack which part, by scenario."""
    return ask(
        edition,
        """
        select part, scenario_id, count(*) as sessions
        from (
            select scenario_id, unnest(missing_parts) as part from sessions
            where tenant = $tenant and not is_test
        )
        group by all order by part, sessions desc
        """,
        _tenant(edition),
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def quarantine(edition: Edition) -> pl.DataFrame:
    """Rows in quarantine, newest first: where they come from, what is wrong and how to mend it."""
    return ask(
        edition,
        """
        select day, table_name, session_id, broken_rules, reason, raw_ref, first_seen_at
        from quarantine where tenant = $tenant
        order by first_seen_at desc, table_name, raw_ref, row_number limit $limit
        """,
        _tenant(edition) | {"limit": LISTED},
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def quarantine_summary(edition: Edition) -> pl.DataFrame:
    """Rows in quarantine by table and reason."""
    return ask(
        edition,
        """
        select table_name, array_to_string(broken_rules, ', ') as rules, reason, count(*) as rows,
               max(first_seen_at) as newest
        from quarantine where tenant = $tenant group by all order by rows desc, table_name, rules
        """,
        _tenant(edition),
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def batches(edition: Edition) -> pl.DataFrame:
    """Ingested files and drains, newest first."""
    return ask(
        edition,
        """
        select opened_at, kind, source, rows_read, accepted, repeated, refused, withheld, batch_id
        from ingest_batches where tenant = $tenant order by opened_at desc, batch_id limit $limit
        """,
        _tenant(edition) | {"limit": LISTED},
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def withheld(edition: Edition) -> pl.DataFrame:
    """Signals that the gate dropped, by policy version and jurisdiction."""
    return ask(
        edition,
        """
        select policy_version, coalesce(jurisdiction, 'unknown') as jurisdiction, count(*) as sessions,
               cast(sum(withheld_signals) as bigint) as withheld
        from sessions where tenant = $tenant group by all order by policy_version desc, withheld desc
        """,
        _tenant(edition),
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def contents(edition: Edition) -> pl.DataFrame:
    """Rows of every published table."""
    names = ask(
        edition,
        "select table_name from information_schema.tables where table_schema = 'main' order by table_name",
        {},
    )["table_name"].to_list()
    counts = [ask(edition, f'select count(*) from "{name}"', {}).item() for name in names]  # noqa: S608 - catalog names
    return pl.DataFrame({"table": names, "rows": counts})
