"""How many sessions there are to keep or to let go, counted in the published version."""

from collections.abc import Sequence

import polars as pl
import streamlit as st

from dashboards.reader import Edition, ask
from dashboards.session_queries import CACHED, IN_SCOPE, scoped
from governance.access import Scope

# People whom a hold or a restriction names are counted by themselves, everybody else together.
COUNTED = f"""
    select
        s.scenario_id,
        s.day,
        case when list_contains($named::varchar[], s.learner_key) then s.learner_key end as learner_key,
        count(*) as sessions
    from sessions as s
    where s.tenant = $tenant and {IN_SCOPE}
    group by all
    order by all
"""  # noqa: S608 - constants only


@st.cache_data(max_entries=CACHED, show_spinner=False)
def sessions(edition: Edition, scope: Scope, named: Sequence[str]) -> pl.DataFrame:
    """Sessions by scenario, day and, where somebody is ``named``, learner."""
    return ask(edition, COUNTED, {"tenant": edition.tenant, "named": list(named), **scoped(scope)})
