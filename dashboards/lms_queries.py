"""Every SQL about what LMSs hold, compared with our own scored sessions."""

import polars as pl
import streamlit as st

from dashboards.mart_queries import tables
from dashboards.reader import Edition, ask
from dashboards.session_queries import IN_SCOPE, scoped
from governance.access import Scope

MART = "lms_reconciliation"
CACHED = 100
LISTED = 500
WORST_FIRST = "case severity when 'high' then 0 when 'medium' then 1 else 2 end"


@st.cache_data(max_entries=CACHED, show_spinner=False)
def tally(edition: Edition) -> pl.DataFrame:
    """One row per LMS and class of finding, the worst first: records, and since when the oldest of them stands.

    Nobody's row is in it, so that whoever looks after the connection may see it. Empty where no LMS is compared.
    """
    if MART not in tables(edition):
        return pl.DataFrame()
    return ask(
        edition,
        f"""
        select connector, class, severity, count(*) as records, min(coalesce(lms_at, session_at)) as since
        from {MART} where tenant = $tenant
        group by connector, class, severity order by {WORST_FIRST}, connector, class
        """,  # noqa: S608 - constants only
        {"tenant": edition.tenant},
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def findings(edition: Edition, scope: Scope) -> pl.DataFrame:
    """Whatever does not agree, of learners in the reader's scope, the worst and newest first.

    People whom no learner matches have no region: only a reader without bounds sees them.
    """
    if MART not in tables(edition):
        return pl.DataFrame()
    return ask(
        edition,
        f"""
        select r.connector, r.class, r.severity, r.record, r.learner_key, r.scenario_id, r.lms_score, r.lms_passed,
               r.our_score, r.best_score, r.session_id, r.reason, coalesce(r.lms_at, r.session_at) as since
        from {MART} as r left join learners as s on s.tenant = r.tenant and s.learner_key = r.learner_key
        where r.tenant = $tenant and r.class <> 'matched' and {IN_SCOPE}
        order by {WORST_FIRST}, since desc nulls last, r.connector, r.record limit $limit
        """,  # noqa: S608 - constants only
        {"tenant": edition.tenant, "limit": LISTED, **scoped(scope)},
    )
