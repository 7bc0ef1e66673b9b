"""Every SQL about single sessions: the list to pick from, and what is known of one of them."""

from dataclasses import dataclass
from datetime import date

import polars as pl
import streamlit as st

from dashboards.reader import Edition, ask
from governance.access import Scope

ALL = "*"
CACHED = 300
LISTED = 200  # sessions in the picker; the filters narrow it further

# The score that speaks for a session, by the rule that the marts follow too: newest revisions alone, the engine's
# scorer before our model before a person, and nothing that a reviewer rejected.
HEADLINE_ORDER = """
    case scorer_kind when 'engine_llm' then 0 when 'our_llm' then 1 else 2 end,
    scored_at desc nulls last, rubric_version desc, scorer_version desc, scorer_id desc, rubric_id desc
"""


def headline(of: str = "true") -> str:
    """One row per session with the score that speaks for it, of those score rows alone for which ``of`` holds.

    Ranking the scores of a whole history takes a second, so a query for some sessions says which.
    """
    return f"""
        select session_id, overall, passed, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version, revision
        from session_scores
        where tenant = $tenant and is_latest and review_state <> 'rejected' and {of}
        qualify row_number() over (partition by session_id order by {HEADLINE_ORDER}) = 1
    """  # noqa: S608 - constants only


PLAYABLE = "select distinct session_id from media where tenant = $tenant and status in ('available', 'truncated')"


@dataclass(frozen=True)
class Wanted:
    """Which sessions to list, within the reader's scope. ``result`` is any, passed, failed or unscored."""

    scope: Scope
    region: str = ALL
    scenario: str = ALL
    first: date | None = None
    last: date | None = None
    result: str = "any"
    recorded: bool = False

    @property
    def judged(self) -> bool:
        """What a session's score or recording is decides whether it is listed."""
        return self.result != "any" or self.recorded

    def parameters(self, edition: Edition) -> dict[str, object]:
        """As named parameters; DuckDB takes none that a query does not name."""
        return {
            "tenant": edition.tenant,
            "region": self.region,
            "scenario": self.scenario,
            "first": self.first or date(1900, 1, 1),
            "last": self.last or date(9000, 1, 1),
            **({"result": self.result, "recorded": self.recorded} if self.judged else {}),
            **scoped(self.scope),
        }


def scoped(scope: Scope) -> dict[str, object]:
    """The parameters that ``IN_SCOPE`` takes."""
    return {"everything": scope.everything, "keys": list(scope.keys), "regions": list(scope.regions)}


# For every list of sessions ``s``: the rows that this reader may see.
IN_SCOPE = """(
    $everything
    or list_contains($keys::varchar[], s.learner_key)
    or list_contains($regions::varchar[], s.region)
)"""


IN_VIEW = f"""
    s.tenant = $tenant
    and {IN_SCOPE}
    and s.day between $first and $last
    and ($region = '*' or coalesce(s.region, 'unknown') = $region)
    and ($scenario = '*' or coalesce(s.scenario_id, 'unknown') = $scenario)
"""
FOUND = f"""
    from sessions as s
    left join ({headline("day between $first and $last")}) as l using (session_id)
    left join ({PLAYABLE}) as m using (session_id)
    where {IN_VIEW}
      and (not $recorded or m.session_id is not null)
      and case $result
            when 'passed' then coalesce(l.passed, false)
            when 'failed' then coalesce(not l.passed, false)
            when 'unscored' then l.session_id is null
            else true
          end
"""
NEWEST = "order by s.started_at desc, s.session_id limit $limit"


def _found(wanted: Wanted) -> str:
    return FOUND if wanted.judged else f"from sessions as s where {IN_VIEW}"


@st.cache_data(max_entries=CACHED, show_spinner=False)
def found(edition: Edition, wanted: Wanted, limit: int = LISTED) -> pl.DataFrame:
    """The newest sessions that match, at most ``limit``.

    Where neither result nor recording decides, the newest are picked first, and only their scores are looked up.
    """
    some = "session_id in (from picked)"
    return ask(
        edition,
        f"""
        with picked as materialized (select s.session_id {_found(wanted)} {NEWEST})
        select
            s.session_id, s.started_at, s.scenario_id, s.scenario_version, s.region, s.attempt, s.learner_key,
            s.duration_s, s.completeness, s.is_test, l.overall, l.passed, m.session_id is not null as recorded
        from sessions as s
        left join ({headline(some)}) as l using (session_id)
        left join ({PLAYABLE} and {some}) as m using (session_id)
        where s.tenant = $tenant and s.{some}
        order by s.started_at desc, s.session_id
        """,  # noqa: S608 - constants only
        wanted.parameters(edition) | {"limit": limit},
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def found_count(edition: Edition, wanted: Wanted) -> int:
    """How many sessions match."""
    return int(ask(edition, f"select count(*) {_found(wanted)}", wanted.parameters(edition)).item())


def _of_session(edition: Edition, query: str, session_id: str) -> pl.DataFrame:
    return ask(edition, query, {"tenant": edition.tenant, "session": session_id})


@st.cache_data(max_entries=CACHED, show_spinner=False)
def session(edition: Edition, session_id: str) -> dict[str, object] | None:
    """The session's row, or ``None`` where this tenant has no such session."""
    frame = _of_session(edition, "select * from sessions where tenant = $tenant and session_id = $session", session_id)
    return frame.row(0, named=True) if frame.height else None


@st.cache_data(max_entries=CACHED, show_spinner=False)
def scores(edition: Edition, session_id: str) -> pl.DataFrame:
    """The newest revision of every scorer, the one that speaks for the session first."""
    return _of_session(
        edition,
        f"""
        select * from session_scores
        where tenant = $tenant and session_id = $session and is_latest
        order by review_state = 'rejected', {HEADLINE_ORDER}
        """,  # noqa: S608
        session_id,
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def criteria(edition: Edition, session_id: str) -> pl.DataFrame:
    """Criterion scores of the newest revisions."""
    return _of_session(
        edition,
        """
        select * from criterion_scores
        where tenant = $tenant and session_id = $session and is_latest
        order by blocker desc, weight desc, criterion_id
        """,
        session_id,
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def signals(edition: Edition, session_id: str) -> pl.DataFrame:
    """Objectives, guardrails, tools and other signals in order."""
    return _of_session(
        edition,
        """
        select * from signals where tenant = $tenant and session_id = $session
        order by at_s nulls last, ordinal
        """,
        session_id,
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def media(edition: Edition, session_id: str) -> pl.DataFrame:
    """Recordings, those that can be played first and video before sound."""
    return _of_session(
        edition,
        """
        select * from media where tenant = $tenant and session_id = $session
        order by status not in ('available', 'truncated'), kind desc, uri
        """,
        session_id,
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def attempts(edition: Edition, learner_key: str, scenario_id: str) -> pl.DataFrame:
    """Every attempt of one learner at one scenario, oldest first."""
    return ask(
        edition,
        f"""
        select s.session_id, s.started_at, s.attempt, l.overall, l.passed
        from sessions as s left join ({headline("learner_key = $learner")}) as l using (session_id)
        where s.tenant = $tenant and s.learner_key = $learner and s.scenario_id = $scenario
        order by s.started_at, s.session_id
        """,  # noqa: S608
        {"tenant": edition.tenant, "learner": learner_key, "scenario": scenario_id},
    )
