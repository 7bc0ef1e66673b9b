"""Queries on a published file: clustered intervals by hand, nothing withheld comes back, caches keep readers apart."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from support.dashboard_home import NOW, Home
from support.published import publish_frames
from support.synthetic import Draw, core_frames

from dashboards import health_queries, queries, session_queries
from dashboards.changes import PASS, with_changes
from dashboards.queries import Cell
from dashboards.reader import Edition, ask, current_edition, manifest, published_tenants
from dashboards.session_queries import Wanted
from dashboards.wording import critical
from governance.access import Scope

ALL_ROWS = Scope(everything=True)

WEEK = timedelta(weeks=1)


def last_weeks(edition: Edition, count: int) -> tuple[Cell, date]:
    known = queries.weeks(edition)
    assert known is not None
    first = known[1] - WEEK * (count - 1)
    return Cell(first=first, last=known[1]), first - WEEK * count


def test_pass_rate_and_its_error_equal_a_calculation_by_hand(edition: Edition) -> None:
    cell, before = last_weeks(edition, 4)
    row = queries.periods(edition, cell, before, 10).row(by_predicate=pl.col("subject") == PASS, named=True)
    rows = ask(
        edition,
        "select sessions.learner_key, cast(passed as int) as y"
        " from session_scores inner join sessions using (session_id)"
        " where not is_test and sessions.learner_key is not null and sessions.day >= $first"
        " and scorer_kind = 'engine_llm'",  # half of the sessions were scored by a person as well: the model speaks
        {"first": cell.first},
    ).rename({"learner_key": "learner"})
    people = rows.group_by("learner").agg(y=pl.col("y").sum(), n=pl.len())
    mean = people["y"].sum() / people["n"].sum()
    residuals = (people["y"] - mean * people["n"]).to_numpy()
    groups = people.height
    error = (groups / (groups - 1) * (residuals**2).sum()) ** 0.5 / people["n"].sum()
    assert row["n"] == people["n"].sum()
    assert row["learners"] == groups
    assert row["mean"] == pytest.approx(mean)
    assert row["error"] == pytest.approx(error)
    changed = with_changes(pl.DataFrame([row]))
    assert changed["upper"][0] - mean == pytest.approx(critical(row["effective"]) * error)


def test_one_week_of_a_competency_equals_the_mart(edition: Edition) -> None:
    cell, _ = last_weeks(edition, 1)
    mart = queries.trend(edition, cell).filter(~pl.col("suppressed"))
    mine = queries.periods(edition, cell, cell.first - WEEK, 10)
    both = mart.join(mine, left_on="competency", right_on="subject", suffix="_here").filter(
        pl.col("mean_here").is_not_null()
    )
    assert both.height >= 4
    assert (both["mean"] - both["mean_here"]).abs().max() == pytest.approx(0, abs=1e-9)
    assert both["n_scores"].to_list() == both["n"].to_list()


def test_totals_count_only_weeks_that_the_mart_shows(edition: Edition) -> None:
    cell, before = last_weeks(edition, 4)
    narrow = Cell("APAC", "conflict-resolution", cell.first, cell.last)
    weekly = queries.funnel(edition, narrow)
    assert weekly["suppressed"].all()
    assert weekly["joined"].null_count() == weekly.height
    assert queries.periods(edition, narrow, before, 10).is_empty()
    assert queries.reach(edition, narrow, before) == (0, 0)


def test_sides_below_the_minimum_are_null(edition: Edition) -> None:
    cell, before = last_weeks(edition, 4)
    hidden = queries.periods(edition, cell, before, 10_000)
    assert hidden.height > 0
    for name in ("mean", "error", "n", "mean_before", "n_before", "change_error"):
        assert hidden[name].null_count() == hidden.height


def test_version_events_of_a_scenario_leave_the_others_out(edition: Edition) -> None:
    everything = queries.version_events(edition, Cell())
    one = queries.version_events(edition, Cell(scenario="sales-discovery"))
    assert set(one["subject"]) == {"sales-discovery"}
    assert everything.height > one.height
    assert "" not in everything["previous"].to_list()


def test_session_filters(edition: Edition, home: Home) -> None:
    every = session_queries.found(edition, Wanted(ALL_ROWS))
    assert every.height == session_queries.LISTED
    assert session_queries.found_count(edition, Wanted(ALL_ROWS)) == 700
    failed = session_queries.found(edition, Wanted(ALL_ROWS, result="failed", region="EMEA"))
    assert failed["passed"].sum() == 0
    assert failed["region"].unique().to_list() == ["EMEA"]
    assert session_queries.found(edition, Wanted(ALL_ROWS, result="unscored"))["overall"].null_count() > 0
    assert session_queries.found(edition, Wanted(ALL_ROWS, recorded=True))["recorded"].all()
    counts = [
        session_queries.found_count(edition, Wanted(ALL_ROWS, result=r)) for r in ("passed", "failed", "unscored")
    ]
    assert sum(counts) == 700
    assert session_queries.session(edition, "cvi:nobody") is None
    assert session_queries.media(edition, home.recorded)["uri"][0].startswith("file://")


def test_health(edition: Edition) -> None:
    assert health_queries.quarantine_summary(edition)["rows"].sum() == 4
    assert health_queries.contents(edition).filter(pl.col("table") == "sessions")["rows"][0] == 700
    assert health_queries.freshness(edition)["newest"].null_count() == 0
    assert health_queries.withheld(edition)["withheld"].sum() > 0
    assert manifest(edition)["id"] == edition.id


@pytest.mark.parametrize(
    "query",
    [
        "create table x (a int)",
        "select * from read_csv('/etc/passwd')",
        "copy sessions to '/tmp/sessions.csv'",
        "set enable_external_access = true",
        "attach '/tmp/x.duckdb'",
    ],
)
def test_the_connection_is_locked(edition: Edition, query: str) -> None:
    with pytest.raises(duckdb.Error):
        ask(edition, query, {})


def test_two_tenants_and_two_scopes_never_share_a_cached_row(tmp_path: Path) -> None:
    editions = []
    for tenant, sessions in (("acme", 300), ("globex", 500)):
        draw = Draw(sessions=sessions, tenant=tenant, seed=len(tenant))
        frames = core_frames(draw) | {"quarantine": pl.DataFrame(), "ingest_batches": pl.DataFrame()}
        publish_frames(tmp_path / tenant, {n: f for n, f in frames.items() if f.width}, now=NOW)
        found = current_edition(tmp_path, tenant)
        assert found is not None
        editions.append(found)
    assert published_tenants(tmp_path) == ["acme", "globex"]
    counts = [session_queries.found_count(each, Wanted(ALL_ROWS)) for each in editions]
    assert counts == [300, 500]
    regions = [session_queries.found(editions[0], Wanted(ALL_ROWS, region=region)) for region in ("EMEA", "AMER")]
    assert [frame["region"].unique().to_list() for frame in regions] == [["EMEA"], ["AMER"]]
    stolen = Edition("globex", editions[0].path)  # a wrong file for a tenant shows nothing
    assert session_queries.found_count(stolen, Wanted(ALL_ROWS)) == 0


def test_a_new_publish_is_a_new_edition(tmp_path: Path) -> None:
    for number, sessions in enumerate((200, 260)):
        frames = core_frames(Draw(sessions=sessions, seed=7))
        publish_frames(tmp_path / "acme", frames, now=NOW + timedelta(days=number))
        found = current_edition(tmp_path, "acme")
        assert found is not None
        assert session_queries.found_count(found, Wanted(ALL_ROWS)) == sessions
    assert current_edition(tmp_path, "nobody") is None
