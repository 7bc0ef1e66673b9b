"""Marts that compare: groups, attempts, pauses, scorers, languages; each figure with its interval and what it rests on.

``dimension`` names the way in which a total is split into cohorts: ``role``, ``started`` (month of the first scored
session), ``language``; the total itself has ``all`` and the cohort ``*``. Regions are compared by the rows whose
dimension is ``all``.
"""

from assets.contracts.marts import BASIS, LEARNERS, REGION, SUPPRESSED, TENANT, figure
from assets.contracts.table import Table, must

DIMENSION = must("dimension", "varchar", "How the total is split: role, started or language; all for the total")
COHORT = must("cohort", "varchar", "Part of the dimension, or * for the total")
COMPETENCY = must("competency", "varchar", "Competency")
ATTEMPT = must("attempt", "bigint", "The learner's how-manieth scored session of the competency, 1 to 10")
LOWER = figure("lower", "double", "Lower end of the 95 % interval")
UPPER = figure("upper", "double", "Upper end of the 95 % interval")
SD = figure("sd", "double", "Standard deviation over learners")

COHORT_COMPARISON = Table(
    layer="marts",
    name="cohort_comparison",
    grain="one row per competency, region, dimension, cohort and attempt number",
    key=("tenant", "region", "dimension", "cohort", "competency", "attempt"),
    columns=(
        TENANT,
        REGION,
        DIMENSION,
        COHORT,
        COMPETENCY,
        ATTEMPT,
        LEARNERS,
        figure("mean", "double", "Mean scaled score at the attempt, 0 to 1"),
        LOWER,
        UPPER,
        SD,
        figure("expected", "double", "Mean that the scenarios rehearsed would give on average"),
        figure("adjusted", "double", "Mean standardised to the tenant's mix of scenarios"),
        figure("adjusted_lower", "double", "Lower end of its 95 % interval"),
        figure("adjusted_upper", "double", "Upper end of its 95 % interval"),
        figure("centre", "double", "Adjusted mean of the whole that the cohort is part of"),
        figure("funnel_lower", "double", "95 % limit of chance for a group of this size, below the centre"),
        figure("funnel_upper", "double", "95 % limit of chance, above the centre"),
        figure("funnel_lower_998", "double", "99.8 % limit of chance, below the centre"),
        figure("funnel_upper_998", "double", "99.8 % limit of chance, above the centre"),
        figure("outside", "varchar", "within the funnel, outside its 95 limit, or outside its 998 limit"),
        figure("shrunk", "double", "Adjusted mean drawn towards the centre by empirical Bayes"),
        figure("shrunk_lower", "double", "Lower end of its 95 % interval"),
        figure("shrunk_upper", "double", "Upper end of its 95 % interval"),
        figure("reliability", "double", "Weight of the group's own mean in the shrunk one, 0 to 1"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

SKILL_HEATMAP = Table(
    layer="marts",
    name="skill_heatmap",
    grain="one row per competency, region, dimension and cohort",
    key=("tenant", "region", "dimension", "cohort", "competency"),
    columns=(
        TENANT,
        REGION,
        DIMENSION,
        COHORT,
        COMPETENCY,
        LEARNERS,
        figure("level", "double", "Mean of the learners' recency-weighted levels, 0 to 1"),
        LOWER,
        UPPER,
        SD,
        figure("mastered", "bigint", "Learners who reached the mastery level"),
        figure("mastered_share", "double", "mastered / n_learners"),
        figure("mastered_lower", "double", "Lower end of its 95 % Wilson interval"),
        figure("mastered_upper", "double", "Upper end of its 95 % Wilson interval"),
        figure("attempts_p50", "double", "Median attempts of a learner"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

LEARNING_CURVE = Table(
    layer="marts",
    name="learning_curve",
    grain="one row per competency, region, panel and attempt",
    key=("tenant", "region", "competency", "panel", "attempt"),
    columns=(
        TENANT,
        REGION,
        COMPETENCY,
        must("panel", "varchar", "all_comers, or learners with at least 5 (panel_5) or 10 (panel_10) attempts"),
        ATTEMPT,
        LEARNERS,
        figure("mean", "double", "Mean scaled score at the attempt, 0 to 1"),
        LOWER,
        UPPER,
        SD,
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

MASTERY_CURVE = Table(
    layer="marts",
    name="mastery_curve",
    grain="one row per competency, region, scale and time",
    key=("tenant", "region", "competency", "scale", "time"),
    columns=(
        TENANT,
        REGION,
        COMPETENCY,
        must("scale", "varchar", "attempts or days since the first attempt"),
        must("time", "integer", "Attempts 1 to 20, or days 0 to 182 by weeks"),
        figure("n_learners", "bigint", "Learners still without mastery and under observation; null where suppressed"),
        figure("n_started", "bigint", "Learners with an attempt"),
        figure("reached", "bigint", "Learners who reached mastery by then"),
        figure("censored", "bigint", "Learners whose observation ended by then without mastery"),
        figure("mastered_share", "double", "Kaplan-Meier estimate of the share at mastery"),
        LOWER,
        UPPER,
        figure("median", "double", "Time by which half reach mastery; null where the curve does not get there"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

SKILL_DECAY = Table(
    layer="marts",
    name="skill_decay",
    grain="one row per competency, region and length of the pause",
    key=("tenant", "region", "competency", "pause"),
    columns=(
        TENANT,
        REGION,
        COMPETENCY,
        must("pause", "varchar", "Days between two attempts: 0-7, 8-14, 15-30, 31-60, 61+"),
        LEARNERS,
        figure("n_pauses", "bigint", "Pauses with the same rubric and scorer version before and after"),
        figure("change", "double", "Mean score after the pause minus before, on 0 to 1"),
        LOWER,
        UPPER,
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

SCORER_AGREEMENT = Table(
    layer="marts",
    name="scorer_agreement",
    grain="one row per rubric version, criterion, model scorer and month, and their roll-ups",
    key=("tenant", "rubric_id", "rubric_version", "criterion_id", "scorer_kind", "scorer_version", "month"),
    columns=(
        TENANT,
        must("rubric_id", "varchar", "Rubric"),
        must("rubric_version", "varchar", "Version of the rubric"),
        must("criterion_id", "varchar", "Criterion, or * for all"),
        must("scorer_kind", "varchar", "Kind of the scorer that is held against people"),
        must("scorer_version", "varchar", "Its version"),
        must("month", "varchar", "Month of the sessions, or * for all"),
        LEARNERS,
        figure("n_pairs", "bigint", "Scores given by the model and a person"),
        figure("qwk", "double", "Quadratic weighted kappa"),
        figure("qwk_lower", "double", "Lower end of its 95 % interval"),
        figure("qwk_upper", "double", "Upper end of its 95 % interval"),
        figure("icc", "double", "Intraclass correlation: two-way, absolute agreement, one rater"),
        figure("icc_lower", "double", "Lower end of its 95 % interval"),
        figure("icc_upper", "double", "Upper end of its 95 % interval"),
        figure("bias", "double", "Mean of model minus person, on 0 to 1"),
        figure("bias_lower", "double", "Lower end of its 95 % interval, clustered by learner"),
        figure("bias_upper", "double", "Upper end of its 95 % interval"),
        figure("sd_difference", "double", "Standard deviation of model minus person"),
        figure("loa_lower", "double", "Lower limit of agreement (Bland-Altman): 95 % of differences lie between them"),
        figure("loa_upper", "double", "Upper limit of agreement"),
        figure("exact_share", "double", "Share of equal scores"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

LANGUAGE_PARITY = Table(
    layer="marts",
    name="language_parity",
    grain="one row per region, language and scenario, and their roll-ups",
    key=("tenant", "region", "dimension", "cohort", "scenario_id"),
    columns=(
        TENANT,
        REGION,
        DIMENSION,
        COHORT,
        must("scenario_id", "varchar", "Scenario, or * for all"),
        LEARNERS,
        figure("sessions", "bigint", "Sessions"),
        figure("mean", "double", "Mean overall score, 0 to 1"),
        LOWER,
        UPPER,
        figure("smd", "double", "Mean minus that of all others in the same whole, in standard deviations"),
        figure("smd_lower", "double", "Lower end of its 95 % interval"),
        figure("smd_upper", "double", "Upper end of its 95 % interval"),
        figure("pass_share", "double", "Passed / judged sessions"),
        figure("pass_lower", "double", "Lower end of its 95 % Wilson interval"),
        figure("pass_upper", "double", "Upper end of its 95 % Wilson interval"),
        figure("pass_ratio", "double", "Pass share divided by that of all others; below 0.8 is a warning"),
        figure("talk_share", "double", "Mean talk share of the learner"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

KNOWLEDGE_USE = Table(
    layer="marts",
    name="knowledge_use",
    grain="one row per knowledge document, region and language of session, and their roll-ups",
    key=("tenant", "region", "document", "language"),
    columns=(
        TENANT,
        REGION,
        must("document", "varchar", "Document as the engine names it; `unnamed` where only its passages came"),
        must("language", "varchar", "Language of the session, or * for all"),
        LEARNERS,
        figure("sessions", "bigint", "Sessions that the document was attached to or drawn on in"),
        figure("retrieved", "bigint", "Sessions in which passages of it were drawn on"),
        figure("use_share", "double", "sessions / all sessions of the language and region"),
        figure("last_used_day", "date", "Last UTC day on which it was used"),
        figure("stale", "boolean", "Not used in the last 60 days although practice went on"),
        figure("english_only", "boolean", "Passages were drawn on in English sessions and in none of another language"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

COMPARISONS = (
    COHORT_COMPARISON,
    SKILL_HEATMAP,
    LEARNING_CURVE,
    MASTERY_CURVE,
    SKILL_DECAY,
    SCORER_AGREEMENT,
    LANGUAGE_PARITY,
    KNOWLEDGE_USE,
)
