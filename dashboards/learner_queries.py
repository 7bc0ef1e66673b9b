"""Every SQL about one learner: what they reached, when they practised, and what they keep missing."""

import polars as pl
import streamlit as st

from dashboards.reader import Edition, ask
from dashboards.session_queries import IN_SCOPE, scoped
from governance.access import Scope

CACHED = 300
LISTED = 500  # learners in the picker, those who practised last
RECENT = 5  # sessions that say where a learner stands now


def _of_learner(edition: Edition, query: str, learner: str) -> pl.DataFrame:
    return ask(edition, query, {"tenant": edition.tenant, "learner": learner})


@st.cache_data(max_entries=CACHED, show_spinner=False)
def learners(edition: Edition, region: str, scope: Scope) -> pl.DataFrame:
    """Learners in the reader's scope who practised, the latest first: sessions, last day and region."""
    return ask(
        edition,
        f"""
        select learner_key, count(*) as sessions, max(day) as last_day, arg_max(region, started_at) as region
        from sessions as s
        where tenant = $tenant and not is_test and learner_key is not null and {IN_SCOPE}
          and ($region = '*' or coalesce(region, 'unknown') = $region)
        group by learner_key order by last_day desc, learner_key limit $limit
        """,  # noqa: S608 - constants only
        {"tenant": edition.tenant, "region": region, "limit": LISTED, **scoped(scope)},
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def region_of(edition: Edition, learner: str) -> str | None:
    """The learner's region, by the directory or by their latest session."""
    frame = _of_learner(
        edition,
        """
        select coalesce(
            (select region from learners where tenant = $tenant and learner_key = $learner),
            (select arg_max(region, started_at) from sessions where tenant = $tenant and learner_key = $learner)
        ) as region
        """,
        learner,
    )
    return frame["region"][0]


@st.cache_data(max_entries=CACHED, show_spinner=False)
def progress(edition: Edition, learner: str) -> pl.DataFrame:
    """Progress by competency."""
    return _of_learner(
        edition,
        "select * from learner_progress where tenant = $tenant and learner_key = $learner order by competency",
        learner,
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def attempts(edition: Edition, learner: str) -> pl.DataFrame:
    """Every session of the learner with its headline score, oldest first."""
    return _of_learner(
        edition,
        """
        select s.session_id, s.started_at, s.scenario_id, s.attempt, s.duration_s, s.assigned, l.overall, l.passed
        from sessions as s left join headline as l using (tenant, session_id)
        where s.tenant = $tenant and s.learner_key = $learner and not s.is_test
        order by s.started_at, s.session_id
        """,
        learner,
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def recent(edition: Edition, learner: str) -> pl.DataFrame:
    """One row per competency: mean, spread and number of the scores in the learner's last sessions that judged it."""
    return _of_learner(
        edition,
        f"""
        with last as (
            select competency, total / n_scores as score from attempts
            where tenant = $tenant and learner_key = $learner
            qualify row_number() over (partition by competency order by started_at desc, session_id) <= {RECENT}
        )
        select competency, avg(score) as mean, stddev_samp(score) as spread, count(*) as n from last group by competency
        """,  # noqa: S608 - constants only
        learner,
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def struggles(edition: Edition, learner: str) -> pl.DataFrame:
    """One row per criterion that the learner has missed: how often, when last, and whether it has been met since.

    Of each session the scores under its headline score count.
    """
    return _of_learner(
        edition,
        """
        with own as (
            select c.*, coalesce(c.competency, c.criterion_id) as skill, h.started_at
            from headline as h
            inner join criterion_scores as c
                using (session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version, revision)
            where h.tenant = $tenant and h.learner_key = $learner and c.tenant = $tenant and c.learner_key = $learner
        )
        select
            rubric_id,
            max(rubric_version) as rubric_version,
            criterion_id,
            any_value(skill) as competency,
            count(*) as scored,
            count(*) filter (where not met) as missed,
            max(started_at) filter (where not met) as last_missed,
            arg_max(session_id, started_at) filter (where not met) as session_id,
            arg_max(met, started_at) as met_last,
            arg_max(comment, started_at) filter (where not met) as comment
        from own group by rubric_id, criterion_id having missed > 0
        order by met_last, missed desc, last_missed desc, criterion_id
        """,
        learner,
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def crossed(edition: Edition, learner: str) -> pl.DataFrame:
    """Guardrails that the learner triggered: how often and when last."""
    return _of_learner(
        edition,
        """
        with own as materialized (
            select session_id, started_at from sessions
            where tenant = $tenant and learner_key = $learner and not is_test
        )
        select g.name, max(g.severity) as severity, count(distinct g.session_id) as sessions,
               max(s.started_at) as last_at, arg_max(g.session_id, s.started_at) as session_id
        from signals as g inner join own as s using (session_id)
        where g.tenant = $tenant and g.kind = 'guardrail' and g.state = 'triggered'
        group by g.name order by sessions desc, g.name
        """,
        learner,
    )
