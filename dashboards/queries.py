"""Every SQL of the aggregate pages, one cached function a question.

Caches are shared by all readers, so whatever narrows a result is an argument, the edition (tenant and published
version) first: nothing here reads the session. Figures over several weeks are built from the session-grain tables,
but only over weeks that the marts show for the same cell: what is withheld in a week cannot be worked out
from a total that contains it.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl
import streamlit as st

from dashboards.reader import Edition, ask

ALL = "*"
CACHED = 300  # results kept, over all readers


@dataclass(frozen=True)
class Cell:
    """Which rows a page shows: one region, one scenario (or all), and weeks from ``first`` to ``last``."""

    region: str = ALL
    scenario: str = ALL
    first: date = date.min
    last: date = date.max

    def parameters(self, edition: Edition) -> dict[str, object]:
        """As the named parameters that the queries share."""
        return {
            "tenant": edition.tenant,
            "region": self.region,
            "scenario": self.scenario,
            "first": max(self.first, date(1900, 1, 1)),
            "last": min(self.last, date(9000, 1, 1)),
        }


@st.cache_data(max_entries=CACHED, show_spinner=False)
def choices(edition: Edition) -> dict[str, list[str]]:
    """Regions and scenarios that the marts break down by."""
    frame = ask(
        edition,
        """
        select distinct 'region' as kind, region as value from practice_funnel
        where tenant = $tenant and region <> '*'
        union
        select distinct 'scenario', scenario_id from practice_funnel
        where tenant = $tenant and scenario_id <> '*'
        order by all
        """,
        {"tenant": edition.tenant},
    )
    return {kind: frame.filter(pl.col("kind") == kind)["value"].to_list() for kind in ("region", "scenario")}


@st.cache_data(max_entries=CACHED, show_spinner=False)
def weeks(edition: Edition) -> tuple[date, date] | None:
    """First and last week with practice, or ``None`` where there is none."""
    row = ask(
        edition,
        "select min(week) as first, max(week) as last from practice_funnel where tenant = $tenant",
        {"tenant": edition.tenant},
    ).row(0)
    return None if row[0] is None else (row[0], row[1])


@st.cache_data(max_entries=CACHED, show_spinner=False)
def funnel(edition: Edition, cell: Cell) -> pl.DataFrame:
    """Practice by week, withheld weeks included."""
    return ask(
        edition,
        """
        select week, n_learners, launched, joined, talked, completed, scored, judged, passed, practice_hours, suppressed
        from practice_funnel
        where tenant = $tenant and region = $region and scenario_id = $scenario and assigned = '*'
          and week between $first and $last
        order by week
        """,
        cell.parameters(edition),
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def trend(edition: Edition, cell: Cell) -> pl.DataFrame:
    """Mean score by competency and week with its 95 % interval, on 0 to 1, withheld weeks included."""
    return ask(
        edition,
        """
        select week, competency, n_learners, n_scores, mean, lower, upper, suppressed
        from competency_trend
        where tenant = $tenant and region = $region and scenario_id = $scenario
          and week between $first and $last
        order by competency, week
        """,
        cell.parameters(edition),
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def version_events(edition: Edition, cell: Cell) -> pl.DataFrame:
    """Versions that came into use within the weeks, first versions left out: they replace nothing."""
    return ask(
        edition,
        """
        select kind, subject, version, previous, first_day from version_events
        where tenant = $tenant and previous <> '' and first_day between $first and $last + 6
          and ($scenario = '*' or case kind
                when 'scenario' then subject = $scenario
                when 'rubric' then subject in (
                    select rubric_id from session_scores inner join sessions using (tenant, session_id)
                    where tenant = $tenant and scenario_id = $scenario
                )
                else true
              end)
        order by first_day, kind, subject
        """,
        {name: value for name, value in cell.parameters(edition).items() if name != "region"},
    )


WITHIN = """
    tenant = $tenant and learner_key is not null and day >= $before and day < $last + 7
    and ($region = '*' or region = $region) and ($scenario = '*' or scenario_id = $scenario)
"""
PERIODS = f"""
with

shown as (
    select '(pass)' as subject, week from practice_funnel
    where tenant = $tenant and region = $region and scenario_id = $scenario and assigned = '*'
      and not suppressed and week between $before and $last
    union all
    select competency, week from competency_trend
    where tenant = $tenant and region = $region and scenario_id = $scenario
      and not suppressed and week between $before and $last
),

observed as (
    select
        '(pass)' as subject, learner_key as learner, cast(date_trunc('week', day) as date) as week,
        cast(passed as integer) as total, 1 as n
    from headline
    where passed is not null and {WITHIN}
    union all
    select competency, learner_key, week, total, n_scores
    from attempts
    where {WITHIN}
),

learners as (
    select
        subject,
        learner,
        coalesce(sum(total) filter (where week >= $first), 0) as sum_now,
        coalesce(sum(n) filter (where week >= $first), 0) as n_now,
        coalesce(sum(total) filter (where week < $first), 0) as sum_before,
        coalesce(sum(n) filter (where week < $first), 0) as n_before
    from observed inner join shown using (subject, week)
    group by all
),

totals as (
    select
        subject,
        sum(n_now) as n,
        count(*) filter (where n_now > 0) as learners,
        sum(sum_now) / nullif(sum(n_now), 0) as mean,
        pow(sum(n_now), 2) / nullif(sum(n_now * n_now), 0) as effective,
        sum(n_before) as n_before,
        count(*) filter (where n_before > 0) as learners_before,
        sum(sum_before) / nullif(sum(n_before), 0) as mean_before,
        pow(sum(n_before), 2) / nullif(sum(n_before * n_before), 0) as effective_before
    from learners
    group by all
),

residuals as (
    select
        subject,
        count(*) as clusters,
        sum(pow((sum_now - mean * n_now) / nullif(n, 0), 2)) as now,
        sum(pow((sum_now - mean * n_now) / nullif(n, 0) - (sum_before - mean_before * l.n_before) / t.n_before, 2))
            as change
    from learners as l inner join totals as t using (subject)
    group by subject
),

final as (
    select
        totals.*,
        sqrt(learners / nullif(learners - 1.0, 0) * now) as error,
        sqrt(clusters / nullif(clusters - 1.0, 0) * change) as change_error
    from totals inner join residuals using (subject)
)

select * from final order by subject
"""  # noqa: S608 - constants only


@st.cache_data(max_entries=CACHED, show_spinner=False)
def periods(edition: Edition, cell: Cell, before: date, minimum: int) -> pl.DataFrame:
    """Pass rate (subject ``(pass)``) and mean score of each competency, with the change against the time before.

    The period is the cell's weeks; the one before it runs from the week ``before`` up to the cell's first. Standard
    errors are clustered by learner (linearised ratio), the change included: the same people stand on both sides.
    ``effective`` is the number of learners that unequal numbers of attempts leave, for the degrees of freedom.
    Sides with fewer than ``minimum`` learners are null, although every week behind them is shown: not everybody
    who practised was scored.
    """
    frame = ask(edition, PERIODS, cell.parameters(edition) | {"before": before})
    enough, enough_before = pl.col("learners") >= minimum, pl.col("learners_before") >= minimum
    return frame.with_columns(
        pl.when(enough).then(pl.col(name)).alias(name) for name in ("n", "mean", "error")
    ).with_columns(
        pl.when(enough & enough_before).then(pl.col(name)).alias(name)
        for name in ("n_before", "mean_before", "change_error")
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def reach(edition: Edition, cell: Cell, before: date) -> tuple[int, int]:
    """Distinct learners in the cell's weeks and in the time before, over weeks that the marts show."""
    row = ask(
        edition,
        """
        with shown as (
            select week from practice_funnel
            where tenant = $tenant and region = $region and scenario_id = $scenario and assigned = '*'
              and not suppressed and week between $before and $last
        )
        select
            count(distinct learner_key) filter (where day >= $first) as now,
            count(distinct learner_key) filter (where day < $first) as before
        from sessions inner join shown on shown.week = cast(date_trunc('week', sessions.day) as date)
        where tenant = $tenant and not is_test and learner_key is not null
          and day between $before and $last + 6
          and ($region = '*' or coalesce(region, 'unknown') = $region)
          and ($scenario = '*' or coalesce(scenario_id, 'unknown') = $scenario)
        """,
        cell.parameters(edition) | {"before": before},
    ).row(0)
    return int(row[0]), int(row[1])


@st.cache_data(max_entries=CACHED, show_spinner=False)
def guardrails(edition: Edition, cell: Cell) -> pl.DataFrame:
    """Guardrails that triggered, by name, over the weeks that the mart shows."""
    return ask(
        edition,
        """
        select
            guardrail,
            any_value(severity) as severity,
            any_value(regulation) as regulation,
            cast(sum(sessions) as bigint) as sessions,
            cast(sum(triggered) as bigint) as triggered
        from guardrail_board
        where tenant = $tenant and region = $region and scenario_id = $scenario
          and week between $first and $last and not suppressed
        group by guardrail
        order by triggered desc, guardrail
        """,
        cell.parameters(edition),
    )
