"""What waits for a review: failed, blocked and contested sessions within the reader's scope."""

from collections.abc import Mapping

import polars as pl
import streamlit as st

from dashboards.reader import Edition, ask
from dashboards.session_queries import CACHED, HEADLINE_ORDER, IN_SCOPE, scoped
from governance.access import Scope
from governance.access.claims import Rules
from governance.reviews import SUBJECT
from governance.settings import Settings


@st.cache_data(max_entries=CACHED, show_spinner=False)
def doubtful(edition: Edition, scope: Scope, named: tuple[str, ...]) -> pl.DataFrame:
    """One row per session that failed, missed a blocker or is ``named``, with the machine score that speaks for it."""
    return ask(
        edition,
        f"""
        with

        machine as (
            select * from session_scores where tenant = $tenant and is_latest and scorer_kind <> 'human'
        ),

        asked as materialized (
            select session_id from machine
            where not passed or len(blockers_hit) > 0 or list_contains($named::varchar[], session_id)
        )

        select
            s.tenant, s.session_id, s.learner_key, s.region, s.scenario_id, s.started_at, c.rubric_id, c.rubric_version,
            c.scorer_kind, c.scorer_id, c.scorer_version, c.revision, c.overall, c.passed, c.blockers_hit
        from sessions as s join machine as c using (tenant, session_id)
        where s.tenant = $tenant and not s.is_test and s.session_id in (from asked) and {IN_SCOPE}
        qualify row_number() over (partition by s.session_id order by {HEADLINE_ORDER}) = 1
        """,  # noqa: S608 - constants only
        {"tenant": edition.tenant, "named": list(named), **scoped(scope)},
    )


def waiting(edition: Edition, scope: Scope, decided: pl.DataFrame, contested: Mapping[str, str]) -> pl.DataFrame:
    """Sessions that wait, contested ones first; ``why`` is contested, second person, blocked or failed."""
    said = pl.DataFrame(
        {"session_id": list(contested), "contest": list(contested.values())},
        schema={"session_id": pl.String, "contest": pl.String},
    )
    standing = decided.select("session_id", *SUBJECT, "state")
    named = tuple(sorted({*contested, *decided.filter(pl.col("state") == "pending")["session_id"]}))
    joined = (
        doubtful(edition, scope, named)
        .join(said, on="session_id", how="left")
        .join(standing, on=["session_id", *SUBJECT], how="left")
    )
    why = (
        pl.when(pl.col("contest").is_not_null()).then(pl.lit("contested"))
        .when(pl.col("state") == "pending").then(pl.lit("second person"))
        .when(pl.col("state").is_null() & (pl.col("blockers_hit").list.len() > 0)).then(pl.lit("blocked"))
        .when(pl.col("state").is_null() & ~pl.col("passed")).then(pl.lit("failed"))
    )  # fmt: skip
    order = {"contested": 0, "second person": 1, "blocked": 2, "failed": 3}
    found = joined.with_columns(why.alias("why")).filter(pl.col("why").is_not_null())
    return found.sort(pl.col("why").replace_strict(order, default=9), "started_at", "session_id")


@st.cache_data(max_entries=CACHED, show_spinner=False)
def visible(edition: Edition, scope: Scope) -> pl.DataFrame:
    """Ids of the sessions in scope."""
    return ask(
        edition,
        f"select s.session_id from sessions as s where s.tenant = $tenant and {IN_SCOPE}",  # noqa: S608
        {"tenant": edition.tenant, **scoped(scope)},
    )


def needs_two(settings: Settings, scenario_id: str | None) -> bool:
    """Whether a review of this scenario holds only once a second person agrees."""
    listed = Rules.load(settings.config).four_eyes
    return "*" in listed or scenario_id in listed
