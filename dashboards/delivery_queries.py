"""Every SQL about how something was said: review flags of allowed perception, by session, never by person."""

import polars as pl
import streamlit as st

from dashboards.reader import Edition, ask
from dashboards.session_queries import IN_SCOPE, scoped
from governance.access import Scope

CACHED = 100
LISTED = 300


@st.cache_data(max_entries=CACHED, show_spinner=False)
def flagged(edition: Edition, jurisdictions: tuple[str, ...], region: str, scope: Scope) -> pl.DataFrame:
    """Sessions with perception flags, the newest first; only of jurisdictions that today's policy allows.

    A policy that has been tightened since hides at once what was stored before, until retention removes it.
    """
    return ask(
        edition,
        f"""
        select s.tenant, s.learner_key, s.session_id,
               s.day, s.started_at, s.scenario_id, s.jurisdiction, s.region, count(*) as flags,
               list_sort(list(distinct g.name)) as names
        from signals as g inner join sessions as s on s.tenant = g.tenant and s.session_id = g.session_id
        where g.tenant = $tenant and g.kind = 'perception' and not s.is_test and {IN_SCOPE}
          and s.jurisdiction in (select unnest($jurisdictions))
          and ($region = '*' or coalesce(s.region, 'unknown') = $region)
        group by all order by s.started_at desc, s.session_id limit $limit
        """,  # noqa: S608 - constants only
        {
            "tenant": edition.tenant,
            "jurisdictions": list(jurisdictions),
            "region": region,
            "limit": LISTED,
            **scoped(scope),
        },
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def flags(edition: Edition, session_id: str) -> pl.DataFrame:
    """The perception flags of one session in order of time."""
    return ask(
        edition,
        """
        select name, state, at_s, alignment, reason, variables from signals
        where tenant = $tenant and session_id = $session and kind = 'perception'
        order by at_s nulls last, ordinal
        """,
        {"tenant": edition.tenant, "session": session_id},
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def jurisdictions(edition: Edition) -> list[str]:
    """Where this customer's learners work."""
    query = "select distinct jurisdiction from sessions where tenant = $tenant and jurisdiction is not null order by 1"
    return [str(value) for value in ask(edition, query, {"tenant": edition.tenant})["jurisdiction"].to_list()]
