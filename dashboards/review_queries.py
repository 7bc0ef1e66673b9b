"""What waits for a review: failed, blocked and contested sessions within the reader's scope."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import streamlit as st

from dashboards.reader import Edition, ask
from dashboards.session_queries import CACHED, HEADLINE_ORDER, IN_SCOPE, scoped
from governance.access import Scope
from governance.access.claims import Rules
from governance.reviews import SUBJECT
from governance.settings import Settings

LISTED = 500  # nobody decides more in a week, and a browser takes no list of a hundred thousand
ORDER = ("contested", "second person", "blocked", "failed")  # what to look at first
MACHINE = f"""
    select session_id, {", ".join(SUBJECT)}, overall, passed, blockers_hit
    from session_scores
    where tenant = $tenant and is_latest and scorer_kind <> 'human' and list_contains($named::varchar[], session_id)
    qualify row_number() over (partition by session_id order by {HEADLINE_ORDER}) = 1
"""  # noqa: S608 - constants only

# Sessions whose score failed or misses a blocker and that nobody has reviewed; those named are looked up by themselves.
FAILING = f"""
    from headline as s
    where s.tenant = $tenant and s.scorer_kind <> 'human' and (not s.passed or s.blockers_missed > 0) and {IN_SCOPE}
      and s.session_id not in (select unnest($named::varchar[]))
      and concat_ws('|', s.session_id, {", ".join(f"s.{name}" for name in SUBJECT)})
        not in (select unnest($decided::varchar[]))
"""


@dataclass(frozen=True)
class Waiting:
    """What waits: the sessions to look at first, with ``why`` and ``contest``, and how many there are in all."""

    first: pl.DataFrame
    total: int
    contested: int


def waiting(edition: Edition, scope: Scope, decided: pl.DataFrame, contested: Mapping[str, str]) -> Waiting:
    """Sessions that wait, at most ``LISTED`` of them: contested ones first, then by ``ORDER`` and age.

    ``decided`` is ``Reviews.frame`` and ``contested`` ``Reviews.contested`` of the tenant: what people said since the
    edition was published counts already.
    """
    pending = decided.filter(pl.col("state") == "pending")
    named = _named(edition, scope, tuple(sorted({*contested, *pending["session_id"]})))
    said = pl.DataFrame(
        {"session_id": list(contested), "contest": list(contested.values())},
        schema={"session_id": pl.String, "contest": pl.String},
    )
    known = (
        named.join(said, on="session_id", how="left")
        .join(pending.select("session_id", *SUBJECT, "state"), on=["session_id", *SUBJECT], how="left")
        .with_columns(
            why=pl.when(pl.col("contest").is_not_null()).then(pl.lit("contested"))
            .when(pl.col("state").is_not_null()).then(pl.lit("second person"))
        )
        .filter(pl.col("why").is_not_null())
        .drop("state")
    )  # fmt: skip
    settled = decided.select(pl.concat_str("session_id", *SUBJECT, separator="|")).to_series().sort()
    failing, total = _failing(edition, scope, tuple(known["session_id"].sort()), tuple(settled))
    first = pl.concat([known, failing.with_columns(contest=pl.lit(None, pl.String))], how="diagonal_relaxed").sort(
        pl.col("why").replace_strict({why: place for place, why in enumerate(ORDER)}), "started_at", "session_id"
    )
    return Waiting(first.head(LISTED), known.height + total, known.filter(pl.col("why") == "contested").height)


@st.cache_data(max_entries=CACHED, show_spinner=False)
def _named(edition: Edition, scope: Scope, named: tuple[str, ...]) -> pl.DataFrame:
    """The named sessions in scope with the machine score that speaks for each, whatever was said of it."""
    return ask(
        edition,
        f"""
        select s.tenant, s.learner_key, s.region, s.scenario_id, s.started_at, m.*
        from sessions as s inner join ({MACHINE}) as m using (session_id)
        where s.tenant = $tenant and not s.is_test and {IN_SCOPE}
        """,  # noqa: S608 - constants only
        {"tenant": edition.tenant, "named": list(named), **scoped(scope)},
    )


@st.cache_data(max_entries=CACHED, show_spinner=False)
def _failing(
    edition: Edition, scope: Scope, named: tuple[str, ...], decided: tuple[str, ...]
) -> tuple[pl.DataFrame, int]:
    """The oldest that failed, blocked ones first, and how many failed in all."""
    parameters = {"tenant": edition.tenant, "named": list(named), "decided": list(decided), **scoped(scope)}
    total = ask(edition, f"select count(*) {FAILING}", parameters).item()
    frame = ask(
        edition,
        f"""
        with picked as materialized (
            select s.session_id, if(s.blockers_missed > 0, 'blocked', 'failed') as why {FAILING}
            order by why, s.started_at, s.session_id limit {LISTED}
        )
        select s.tenant, s.learner_key, s.region, s.scenario_id, s.started_at, c.session_id,
               {", ".join(f"c.{name}" for name in SUBJECT)}, c.overall, c.passed, c.blockers_hit, picked.why
        from picked
        inner join sessions as s using (session_id)
        inner join headline as h on h.tenant = s.tenant and h.session_id = s.session_id
        inner join session_scores as c
            on c.tenant = h.tenant and c.session_id = h.session_id
            and {" and ".join(f"c.{name} = h.{name}" for name in SUBJECT)}
        where s.tenant = $tenant
        """,  # noqa: S608 - constants only
        parameters,
    )
    return frame, int(total)


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
