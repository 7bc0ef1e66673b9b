"""What waits for a review, on a published file, against the rule applied to its rows one by one."""

import polars as pl
import pytest

from dashboards import review_queries
from dashboards.reader import Edition, ask
from governance.access import Scope
from governance.reviews import FRAME, SUBJECT

EVERYBODY = Scope(everything=True)
NOBODY_DECIDED = pl.DataFrame(schema=FRAME)


@pytest.fixture
def failing(edition: Edition) -> pl.DataFrame:
    """Model scores that failed, of sessions that are no test; the drawn ones have one model each."""
    return ask(
        edition,
        f"""
        select s.session_id, s.started_at, s.region, {", ".join(SUBJECT)}, len(blockers_hit) > 0 as blocked
        from session_scores inner join sessions as s using (tenant, session_id)
        where scorer_kind = 'engine_llm' and not s.is_test and (not passed or len(blockers_hit) > 0)
        order by not blocked, s.started_at, s.session_id
        """,
        {},
    )


def decided(rows: pl.DataFrame, *states: str) -> pl.DataFrame:
    stated = rows.select("session_id", *SUBJECT).with_columns(state=pl.Series(states))
    return pl.concat([NOBODY_DECIDED, stated], how="diagonal_relaxed")


def test_everything_that_failed_waits_blocked_ones_first(edition: Edition, failing: pl.DataFrame) -> None:
    waiting = review_queries.waiting(edition, EVERYBODY, NOBODY_DECIDED, {})
    assert (waiting.total, waiting.contested) == (failing.height, 0)
    assert waiting.first["session_id"].to_list() == failing["session_id"].head(review_queries.LISTED).to_list()
    assert waiting.first["why"].to_list() == [
        "blocked" if blocked else "failed" for blocked in failing["blocked"].head(review_queries.LISTED)
    ]
    assert 0 < failing["blocked"].sum() < failing.height


def test_what_was_decided_is_gone_and_what_needs_a_second_person_leads(edition: Edition, failing: pl.DataFrame) -> None:
    said = decided(failing.head(4), "accepted", "rejected", "adjusted", "pending")
    waiting = review_queries.waiting(edition, EVERYBODY, said, {})
    assert waiting.total == failing.height - 3
    assert waiting.first.row(0, named=True)["session_id"] == failing["session_id"][3]
    assert waiting.first["why"].to_list().count("second person") == 1
    assert not set(failing["session_id"].head(3)) & set(waiting.first["session_id"])


def test_a_contested_session_leads_whatever_was_decided(edition: Edition, failing: pl.DataFrame) -> None:
    reviewed = failing.row(0, named=True)["session_id"]
    passed = ask(edition, "select session_id from headline where passed and blockers_missed = 0 limit 1", {}).item()
    contested = {reviewed: "I did name the costs", passed: "the comment is wrong"}
    waiting = review_queries.waiting(edition, EVERYBODY, decided(failing.head(1), "accepted"), contested)
    assert waiting.contested == 2
    assert waiting.total == failing.height + 1
    assert dict(waiting.first.head(2).select("session_id", "contest").iter_rows()) == contested
    assert set(waiting.first["why"].head(2)) == {"contested"}


def test_a_reader_sees_the_sessions_of_their_regions_alone(edition: Edition, failing: pl.DataFrame) -> None:
    scope = Scope(everything=False, regions=("EMEA",))
    elsewhere = failing.filter(pl.col("region") != "EMEA")["session_id"][0]
    waiting = review_queries.waiting(edition, scope, NOBODY_DECIDED, {elsewhere: "not for this reader"})
    assert waiting.total == failing.filter(pl.col("region") == "EMEA").height > 0
    assert waiting.first["region"].unique().to_list() == ["EMEA"]
    assert waiting.contested == 0
