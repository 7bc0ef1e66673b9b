"""Marts of estimates that SQL cannot make; ``assets.statistics`` computes their rows where their input changed."""

from assets.contracts.comparisons import COMPETENCY, LOWER, UPPER
from assets.contracts.marts import BASIS, LEARNERS, REGION, SUPPRESSED, TENANT, figure
from assets.contracts.table import Table, column, must

ESTIMATE = figure("estimate", "double", "The effect, in `unit`")
P_VALUE = figure("p_value", "double", "Two-sided p-value of no effect")
RECORDS = figure("n_outcomes", "bigint", "Outcome records behind the estimate")
OUTCOME = must("outcome", "varchar", "log_deal (log of a won deal's amount), win, ramp, or the outcome's kind")

COMPETENCY_GROWTH = Table(
    layer="marts",
    name="competency_growth",
    grain="one row per competency, region and estimator",
    key=("tenant", "region", "competency", "method"),
    columns=(
        TENANT,
        REGION,
        COMPETENCY,
        LEARNERS,
        figure("n_scores", "bigint", "Scores behind the estimate"),
        ESTIMATE,
        LOWER,
        UPPER,
        P_VALUE,
        must("unit", "varchar", "per_attempt, or last_minus_first: mean of the last k less that of the first k"),
        figure("slope_sd", "double", "Standard deviation of slopes between learners; mixed_model only"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

OUTCOME_LINKS = Table(
    layer="marts",
    name="outcome_links",
    grain="one row per outcome, exposure and estimator",
    key=("tenant", "outcome", "exposure", "method"),
    columns=(
        TENANT,
        OUTCOME,
        must("exposure", "varchar", "overall, competency:… or criterion:…: scores before the outcome, never after"),
        LEARNERS,
        RECORDS,
        ESTIMATE,
        LOWER,
        UPPER,
        P_VALUE,
        figure("q_value", "double", "p-value adjusted for the family (Benjamini-Hochberg); null outside a family"),
        figure("significant", "boolean", "q_value at or below the level of the configuration"),
        column("family", "varchar", "Declared family of tests that it is judged with"),
        figure("in_family", "bigint", "Tests in the family"),
        must("unit", "varchar", "r, or the effect per 10 points of skill: log amount, probability, value, log hazard"),
        must("lag_days", "integer", "Days before the outcome from which practice no longer counts"),
        figure("missing_share", "double", "Outcome records without any score before them"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

RAMP_CURVE = Table(
    layer="marts",
    name="ramp_curve",
    grain="one row per practice group and time since hiring",
    key=("tenant", "practised", "time"),
    columns=(
        TENANT,
        must("practised", "varchar", "yes or no: a scored session within 30 days of hiring; * for all"),
        must("time", "integer", "Days since hiring"),
        figure("n_learners", "bigint", "Learners not ramped yet and under observation; null where suppressed"),
        figure("n_started", "bigint", "Learners followed"),
        figure("ramped_share", "double", "Kaplan-Meier estimate of the share ramped by then"),
        LOWER,
        UPPER,
        figure("median", "double", "Days by which half have ramped; null where the curve does not get there"),
        figure("mean_of_completers", "double", "Mean of those who ramped: too short, since it drops the others"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

ROLLOUT_EFFECTS = Table(
    layer="marts",
    name="rollout_effects",
    grain="one row per outcome and month since practice began",
    key=("tenant", "outcome", "period"),
    columns=(
        TENANT,
        OUTCOME,
        must("period", "integer", "Months since the first scored session; -1, the month before, is the reference"),
        LEARNERS,
        ESTIMATE,
        LOWER,
        UPPER,
        P_VALUE,
        figure("pre_trend_p", "double", "Joint p-value of no effect before practice began"),
        must("unit", "varchar", "log_amount, probability or value, against not having begun"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

PRACTICE_RETURN = Table(
    layer="marts",
    name="practice_return",
    grain="one row per item of the return on investment",
    key=("tenant", "item"),
    columns=(
        TENANT,
        must("item", "varchar", "sessions, months, cost, deal_value (what the effect on deals is worth), return"),
        column("value", "decimal(18,2)", "Count, amount in `unit`, or ratio"),
        column("lower", "decimal(18,2)", "Value at the lower end of the effect's 95 % interval"),
        column("upper", "decimal(18,2)", "Value at the upper end of the effect's 95 % interval"),
        must("unit", "varchar", "count, ratio, or the currency of the configured costs"),
        *BASIS,
    ),
    partitioned=False,
)

EFFECTS = (COMPETENCY_GROWTH, OUTCOME_LINKS, RAMP_CURVE, ROLLOUT_EFFECTS, PRACTICE_RETURN)
