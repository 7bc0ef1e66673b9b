"""Marts whose rows come from ``assets.statistics``: read the frames that it needs, answer in the contract's shape."""

import hashlib
from typing import Any

import duckdb
import polars as pl

from assets.contracts import EFFECTS, Table
from assets.marts.suppression import Cells, suppress
from assets.statistics import exposures, families, growth, links, ramp, returns, rollout
from governance.project import Analysis, Costs

# Tables whose content decides the estimates; a run that changes none of them keeps what stands.
INPUTS = ("sessions", "session_scores", "criterion_scores", "outcomes", "learners")
STAGED = frozenset({"headline", "attempts", "spells"})  # the staging tables that they are made of
GROWTH_CELLS = Cells(
    ("tenant", "competency", "method"),
    ("region",),
    ("n_learners", "n_scores", "estimate", "lower", "upper", "p_value", "slope_sd"),
)
# What a skill's scores are, of learners with outcomes; the parameter of the second is the competency.
OVERALL_SCORES = """
    select learner_key, concat(rubric_id, ':', rubric_version, ':', scorer_version) as version, started_at,
        overall as score
    from headline
    where learner_key in (select learner_key from outcomes)
"""
SKILL_SCORES = """
    select learner_key, version, started_at, total / n_scores as score
    from attempts
    where competency = ? and learner_key in (select learner_key from outcomes)
"""
FIRST_SCORES = """
    select learner_key, min(started_at) as first_at
    from headline
    where learner_key in (select learner_key from outcomes)
    group by learner_key
    order by learner_key
"""
# Growth has to tell learners apart, not to know them, and numbers are read and sorted in half the time of keys.
SPELLS = """
    select
        tenant, competency, region, hash(learner_key) as learner_key, version,
        n, x, xx, y, xy, yy, first_mean, last_mean
    from spells
"""
OUTCOMES = """
    select outcome_id, learner_key, kind, cast(value as double) as value, unit, occurred_at
    from outcomes
    order by learner_key, coalesce(exposure_from, occurred_at), outcome_id
"""


def digest(of_tables: dict[str, str]) -> str:
    """Changes exactly when the estimates may."""
    return hashlib.sha256("\n".join(of_tables.get(name, "") for name in INPUTS).encode()).hexdigest()


def estimate(con: duckdb.DuckDBPyConnection, analysis: Analysis, minimum: int) -> dict[str, pl.DataFrame]:
    """The rows of every mart of estimates, by name, from whatever ``con`` shows under the bare names of one tenant.

    Beside its tables there has to be ``exposures``, as ``exposures.renew`` makes it.
    """
    found: dict[str, list[dict[str, Any]]] = {table.name: [] for table in EFFECTS}
    found["competency_growth"] = growth.rows(con.sql(SPELLS).pl(), minimum)
    ((tenant, days),) = con.sql("select any_value(tenant), count(*) from outcomes").fetchall()
    if days:
        inputs = _inputs(con, analysis, minimum)
        linked = links.rows(inputs)
        judged = families.judge(_frame(linked), analysis.families, analysis.level).rows(named=True) if linked else []
        found["outcome_links"] = judged
        first = con.sql(FIRST_SCORES).pl()
        found["ramp_curve"] = _ramp_curve(inputs, first)
        found["rollout_effects"] = _rollout(inputs, first)
        if analysis.costs is not None:
            found["practice_return"] = _returns(con, analysis.costs, inputs, linked)
    frames = {table.name: _shaped(table, [{"tenant": tenant} | row for row in found[table.name]]) for table in EFFECTS}
    frames["competency_growth"] = suppress(frames["competency_growth"], GROWTH_CELLS, minimum)
    return frames


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None)


def _shaped(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows in order of key with every column of the contract; what an estimator does not give is null."""
    names = table.column_names
    if not rows:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    filled = [{name: row.get(name) for name in names} for row in rows]
    return pl.DataFrame(filled, infer_schema_length=None).sort(table.key)


def _inputs(con: duckdb.DuckDBPyConnection, analysis: Analysis, minimum: int) -> links.Inputs:
    ((last,),) = con.sql(
        "select max(day) from (select day from sessions union all select cast(occurred_at as date) from outcomes)"
    ).fetchall()

    def read(skill: str) -> pl.DataFrame:
        found = con.sql(OVERALL_SCORES) if skill == links.OVERALL else con.sql(SKILL_SCORES, params=[skill])
        return found.pl()

    return links.Inputs(
        outcomes=con.sql(OUTCOMES).pl(),
        exposures=con.sql("select outcome_id, exposure, attempts, level from exposures").pl(),
        practice=exposures.Practice(read),
        learners=con.sql("select learner_key, role, hire_date, left_on from learners order by learner_key").pl(),
        last_day=last,
        skills=dict(analysis.skills),
        lag_days=analysis.lag_days,
        minimum=minimum,
    )


def _ramp_curve(inputs: links.Inputs, first: pl.DataFrame) -> list[dict[str, Any]]:
    """Kaplan-Meier of ramp time for all, and from the landmark on for those who had practised by then and not."""
    events = inputs.outcomes.filter(pl.col("kind") == "ramp_days")
    if events.is_empty() or inputs.last_day is None:
        return []
    spans = ramp.spans(inputs.learners, events, inputs.last_day)
    waiting = spans.filter(pl.col("days") >= ramp.LANDMARK_DAY).join(first, on="learner_key", how="left")
    early = (pl.col("first_at").dt.date() - pl.col("hire_date")).dt.total_days() <= ramp.LANDMARK_DAY
    groups = {
        "*": spans,
        "yes": waiting.filter(early.fill_null(value=False)),
        "no": waiting.filter(~early.fill_null(value=False)),
    }
    sizes = {name: group.height for name, group in groups.items()}
    hidden = any(size < inputs.minimum for name, size in sizes.items() if name != "*")
    found = []
    for name, group in groups.items():
        # One small group hides the other too: together they are the total, which is shown.
        if group.is_empty() or (name != "*" and hidden) or sizes["*"] < inputs.minimum:
            continue
        found += [_ramp_row(name, group, row, inputs.minimum) for row in ramp.kaplan_meier(group)]
    return found


def _ramp_row(name: str, group: pl.DataFrame, row: dict[str, Any], minimum: int) -> dict[str, Any]:
    hidden = row["n_learners"] < minimum
    figures = row | {"n_started": group.height, "mean_of_completers": group.filter("ramped")["days"].mean()}
    shown = {key: None if hidden and key != "time" else value for key, value in figures.items()}
    return shown | {
        "practised": name,
        "method": "kaplan_meier",
        "assumptions": "censoring_independent" if name == "*" else "censoring_independent landmark_day_30",
        "label": "descriptive" if name == "*" else "association",
        "suppressed": hidden,
    }


def _rollout(inputs: links.Inputs, first: pl.DataFrame) -> list[dict[str, Any]]:
    units = {"log_deal": "log_amount", "win": "probability"}
    found = []
    for outcome, (records, _) in links.measures(inputs.outcomes).items():
        repeats = records.filter(pl.len().over("learner_key") > 1)
        if repeats["learner_key"].n_unique() < 2 * rollout.SMALLEST_WAVE:
            continue
        study = rollout.event_study(repeats.join(first, on="learner_key", how="left"))
        if study is None:
            continue
        sound = study.pre_trend_p is not None and study.pre_trend_p > 0.05
        for period, (effect, learners) in study.periods.items():
            hidden = learners < inputs.minimum
            shown = None if hidden else effect
            found.append(
                {
                    "outcome": outcome,
                    "period": period,
                    "n_learners": None if hidden else learners,
                    "estimate": shown.value if shown else None,
                    "lower": shown.lower if shown else None,
                    "upper": shown.upper if shown else None,
                    "p_value": shown.p_value if shown else None,
                    "pre_trend_p": None if hidden else study.pre_trend_p,
                    "unit": units.get(outcome, "value"),
                    "method": "sun_abraham",
                    "assumptions": "parallel_trends no_anticipation clustered_by_learner",
                    "label": "quasi_experimental" if sound else "association",
                    "suppressed": hidden,
                }
            )
    return found


def _returns(
    con: duckdb.DuckDBPyConnection, costs: Costs, inputs: links.Inputs, linked: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    ((sessions, months),) = con.sql(
        "select count(*), count(distinct date_trunc('month', day)) from sessions where not is_test"
    ).fetchall()
    won = inputs.outcomes.filter((pl.col("kind") == "deal_won") & (pl.col("unit") == costs.currency))
    gains = inputs.practice.gains(links.OVERALL) if won.height else None
    if gains is None:
        return returns.rows(costs, sessions, months, won.head(0), linked)
    exposed = inputs.exposures.filter(pl.col("exposure") == links.OVERALL)
    panel = exposures.along(exposures.beside(won, inputs.practice.scores(links.OVERALL), exposed), gains)
    return returns.rows(costs, sessions, months, panel.filter(pl.col("gain").is_not_null()), linked)
