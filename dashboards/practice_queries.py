"""Every SQL about how people practise: the pace of a period, told by learners and not by sessions."""

import polars as pl
import streamlit as st

from dashboards.queries import Cell
from dashboards.reader import Edition, ask

CACHED = 200
PACE = (
    "talk_share",
    "response_gap_p50_s",
    "interruptions_by_learner",
    "interruptions_by_counterpart",
    "longest_monologue_s",
)


@st.cache_data(max_entries=CACHED, show_spinner=False)
def pace(edition: Edition, cell: Cell, minimum: int) -> pl.DataFrame:
    """One row per measure of pace: mean over learners of their own means, its standard error, learners and sessions.

    Only weeks that the mart shows for the cell are counted, so that nothing withheld comes back in a total. Measures
    with fewer than ``minimum`` learners are left out.
    """
    sums = ", ".join(f"avg({name}) as {name}" for name in PACE)
    return ask(
        edition,
        f"""
        with shown as (
            select week from pacing
            where tenant = $tenant and region = $region and scenario_id = $scenario
              and not suppressed and week between $first and $last
        ),
        people as (
            select learner_key, count(*) as sessions, {sums}
            from sessions inner join shown on shown.week = cast(date_trunc('week', sessions.day) as date)
            where tenant = $tenant and not is_test and learner_key is not null and talk_share is not null
              and day between $first and $last + 6  -- lets the scan skip what no shown week holds
              and ($region = '*' or coalesce(region, 'unknown') = $region)
              and ($scenario = '*' or coalesce(scenario_id, 'unknown') = $scenario)
            group by learner_key
        ),
        long as (
            unpivot people on {", ".join(PACE)} into name measure value figure
        )
        select
            measure,
            avg(figure) as mean,
            stddev_samp(figure) / sqrt(count(*)) as error,
            count(*) as learners,
            cast(sum(sessions) as bigint) as sessions
        from long group by measure having count(*) >= $minimum
        """,  # noqa: S608 - constants only
        cell.parameters(edition) | {"minimum": minimum},
    )
