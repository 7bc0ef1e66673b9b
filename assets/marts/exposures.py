"""What came before every outcome, kept from run to run: a change is worked out for the outcomes that it can reach.

An outcome knows nothing of what was practised after it. So a day at the end of a history reaches the outcomes after
it, and a revised score of last year those of the learners who practised on its day.
"""

from collections.abc import Iterator
from importlib.resources import files

import duckdb
import polars as pl

from assets.marts.scope import Scope
from assets.statistics.exposures import before, numbered, running_means

COLUMNS = "outcome_id varchar, day date, exposure varchar, attempts bigint, level double"
SCORES = """
    select person as learner_key, 'overall' as exposure, started_at, overall as score
    from headline inner join exposed_people using (learner_key)
    union all
    select person as learner_key, concat('competency:', competency) as exposure, started_at, total / n_scores as score
    from attempts inner join exposed_people using (learner_key)
"""
CRITERIA = """
    select person as learner_key, concat('criterion:', criterion_scores.rubric_id, '/', criterion_id) as exposure,
        started_at, scaled as score
    from criterion_scores
    inner join exposed_people using (learner_key)
    inner join headline using (tenant, session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version,
        revision, learner_key)
"""


def recipe() -> str:
    """Text that changes when what is kept has to be worked out anew."""
    code = (files("assets.marts") / "exposures.py", files("assets.statistics") / "exposures.py")
    return "".join(file.read_text("utf-8") for file in code)


def renew(con: duckdb.DuckDBPyConnection, scope: Scope, lag_days: int, kept: str) -> None:
    """Bring the table ``kept`` (of ``COLUMNS``) up to date: one row per outcome and exposure with a score before it.

    Reads outcomes, headline, attempts and criterion_scores by their bare names, whole. Exposures are named as they are
    published; ``attempts`` counts the scores before the outcome and ``level`` says where they led to.
    """
    con.execute(
        "create or replace temp table exposed_outcomes as"
        " select outcome_id, day, learner_key, coalesce(exposure_from, occurred_at) as cutoff_at"
        f" from outcomes where learner_key is not null and ({scope.outcome_condition()})"
    )
    con.execute(
        "create or replace temp table exposed_people as"
        " select learner_key, cast(row_number() over (order by learner_key) as integer) as person"
        " from (select distinct learner_key from exposed_outcomes)"
    )
    con.execute(
        f"delete from {kept} where {scope.outcome_days_condition()}"
        " or outcome_id in (select outcome_id from exposed_outcomes)"
    )
    for found in _found(con, lag_days):
        con.register("exposed_rows", found)
        con.execute(f"insert into {kept} by name select * from exposed_rows")
        con.unregister("exposed_rows")
    con.execute("drop table exposed_people")
    con.execute("drop table exposed_outcomes")


def _found(con: duckdb.DuckDBPyConnection, lag_days: int) -> Iterator[pl.DataFrame]:
    """The rows to add; learners and exposures are numbers on the way, which sort faster than names."""
    outcomes = con.sql(
        "select outcome_id, day, cutoff_at, person as learner_key"
        " from exposed_outcomes inner join exposed_people using (learner_key)"
    ).pl()
    for query, levels in ((SCORES, numbered), (CRITERIA, running_means)):
        scores = con.sql(query).pl().with_columns(skill=pl.col("exposure").cast(pl.Categorical).to_physical())
        names = scores.select("skill", "exposure").unique("skill")
        found = before(outcomes, levels(scores.drop("exposure")), lag_days)
        yield found.join(names, on="skill").select("outcome_id", "day", "exposure", "attempts", "level")
