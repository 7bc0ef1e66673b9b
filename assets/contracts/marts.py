"""Marts: one table a question, with its n, its interval and its suppression inside.

Levels: rows are given for several roll-ups at once; a dimension that a row does not break down by holds
``*``. ``suppressed`` rows keep their place and lose their figures, so that a page can say that a cell is
too small instead of leaving a hole. Individual-level tables (learner_progress) are not suppressed: who
may read them is decided by access, not by size.
"""

from assets.contracts.table import Column, Table, column, must

TENANT = must("tenant", "varchar", "Customer")
WEEK = must("week", "date", "Monday of the ISO week")
REGION = must("region", "varchar", "Region, or * for all")
SCENARIO = must("scenario_id", "varchar", "Scenario, or * for all")
ASSIGNED = must("assigned", "varchar", "assigned, free, unknown, or * for all")
LEARNERS = column("n_learners", "bigint", "Learners behind the row; null where suppressed")
SUPPRESSED = must("suppressed", "boolean", "Fewer learners than the minimum cell, or hidden to protect one that has")
METHOD = must("method", "varchar", "Estimator and interval, as a code that docs/statistics.md explains")
BASIS = (
    METHOD,
    must("assumptions", "varchar", "What has to hold for the figure to mean what it says: codes, separated by a space"),
    must("label", "varchar", "descriptive, association, within_person or quasi_experimental"),
)


def figure(name: str, type_: str, meaning: str) -> Column:
    """A figure: null where the row is suppressed or nothing was measured."""
    return column(name, type_, meaning)


DATA_HEALTH = Table(
    layer="marts",
    name="data_health",
    grain="one row per UTC day and engine",
    key=("tenant", "day", "engine"),
    columns=(
        TENANT,
        must("day", "date", "UTC day the sessions started"),
        must("engine", "varchar", "Engine"),
        must("sessions", "bigint", "Sessions, tests excluded"),
        must("test_sessions", "bigint", "Test conversations"),
        must("complete", "bigint", "Sessions with every part"),
        must("complete_partial", "bigint", "Closed sessions with a part missing"),
        must("open", "bigint", "Sessions still waiting for parts"),
        must("unattributed", "bigint", "Sessions without a launch"),
        must("scored", "bigint", "Sessions with at least one score"),
        must("missing_transcript", "bigint", "Closed sessions without a transcript"),
        must("missing_scores", "bigint", "Closed sessions without a score"),
        must("missing_recording", "bigint", "Sessions whose declared recording is not available"),
        must("quarantined", "bigint", "Rows in quarantine, all core tables"),
        must("withheld_signals", "bigint", "Signals that the gate dropped"),
        column("last_received_at", "timestamptz", "When the newest part was accepted"),
    ),
    partitioned=False,
)

PRACTICE_FUNNEL = Table(
    layer="marts",
    name="practice_funnel",
    grain="one row per week, region, scenario and assignment, and their roll-ups",
    key=("tenant", "week", "region", "scenario_id", "assigned"),
    columns=(
        TENANT,
        WEEK,
        REGION,
        SCENARIO,
        ASSIGNED,
        LEARNERS,
        figure("launched", "bigint", "Launches registered, or sessions where no launch was"),
        figure("joined", "bigint", "Sessions that started and were not a no-show"),
        figure("talked", "bigint", "Sessions with at least one learner turn"),
        figure(
            "completed",
            "bigint",
            "Sessions that ended as completed, at the time limit, or with enough talk to be scored",
        ),
        figure("scored", "bigint", "Sessions with a score"),
        figure(
            "judged",
            "bigint",
            "Scored sessions with a pass verdict: the rubric has a pass rule, no criterion is missing",
        ),
        figure("passed", "bigint", "Sessions whose latest score passed"),
        figure("practice_hours", "double", "Hours of practice"),
        SUPPRESSED,
    ),
    partitioned=False,
)

COMPETENCY_TREND = Table(
    layer="marts",
    name="competency_trend",
    grain="one row per week, competency, region and scenario, and their roll-ups",
    key=("tenant", "week", "competency", "region", "scenario_id"),
    columns=(
        TENANT,
        WEEK,
        must("competency", "varchar", "Competency"),
        REGION,
        SCENARIO,
        LEARNERS,
        figure("n_scores", "bigint", "Criterion scores behind the mean"),
        figure("mean", "double", "Mean scaled score, 0 to 1"),
        figure("lower", "double", "Lower end of the 95 % interval"),
        figure("upper", "double", "Upper end of the 95 % interval"),
        figure("sd", "double", "Standard deviation of scaled scores"),
        must("method", "varchar", "How the interval was made: cluster_t (clustered by learner)"),
        SUPPRESSED,
    ),
    partitioned=False,
)

VERSION_EVENTS = Table(
    layer="marts",
    name="version_events",
    grain="one row per first use of a rubric, scorer, scenario or policy version",
    key=("tenant", "kind", "subject", "version"),
    columns=(
        TENANT,
        must("kind", "varchar", "rubric, scorer, scenario or policy"),
        must("subject", "varchar", "Rubric id, scorer id, scenario id or `policy`"),
        must("version", "varchar", "The version that came into use"),
        must("first_day", "date", "First UTC day with a session under it"),
        must("previous", "varchar", "The version used before; empty for the first"),
    ),
    partitioned=False,
)

LEARNER_PROGRESS = Table(
    layer="marts",
    name="learner_progress",
    grain="one row per learner and competency",
    key=("tenant", "learner_key", "competency"),
    columns=(
        TENANT,
        must("learner_key", "varchar", "Keyed pseudonym", personal="pseudonym"),
        must("competency", "varchar", "Competency"),
        column("region", "varchar", "Region of the learner"),
        must("attempts", "bigint", "Scored sessions that fed the competency"),
        must("first_at", "timestamptz", "Start of the first of them"),
        must("last_at", "timestamptz", "Start of the last of them"),
        must("first_mean", "double", "Mean of the first k attempts, 0 to 1"),
        must("last_mean", "double", "Mean of the last k attempts, 0 to 1"),
        must("k", "integer", "Attempts in each mean: at most 3, and never overlapping"),
        column("gain", "double", "last_mean minus first_mean; null below two attempts"),
        column("slope", "double", "Change of the scaled score per attempt, least squares; null below three"),
        must("level", "double", "Recency-weighted mean, half-life 3 attempts, 0 to 1"),
        must("mastered", "boolean", "Reached the mastery level of the competency model"),
        column("attempts_to_mastery", "bigint", "Attempts until mastery; attempts so far where censored"),
        column("days_to_mastery", "double", "Days from first attempt until mastery; days so far where censored"),
        must("censored", "boolean", "Mastery not reached yet: a lower bound, never dropped"),
    ),
    partitioned=False,
)

SCENARIO_ITEMS = Table(
    layer="marts",
    name="scenario_items",
    grain="one row per scenario, rubric version, scorer kind and criterion",
    key=("tenant", "scenario_id", "rubric_id", "rubric_version", "scorer_kind", "criterion_id"),
    columns=(
        TENANT,
        must("scenario_id", "varchar", "Scenario"),
        must("rubric_id", "varchar", "Rubric"),
        must("rubric_version", "varchar", "Version of the rubric"),
        must("scorer_kind", "varchar", "Kind of scorer"),
        must("criterion_id", "varchar", "Criterion"),
        column("competency", "varchar", "Competency that it feeds"),
        must("blocker", "boolean", "Blocker criterion"),
        LEARNERS,
        figure("n", "bigint", "Scores"),
        figure("mean", "double", "Mean scaled score: the higher, the easier"),
        figure("lower", "double", "Lower end of the 95 % interval, clustered by learner"),
        figure("upper", "double", "Upper end of the 95 % interval, clustered by learner"),
        figure("sd", "double", "Standard deviation"),
        figure("discrimination", "double", "Correlation with the mean of the other criteria"),
        figure("discrimination_lower", "double", "Lower end of its 95 % interval (Fisher, effective learners)"),
        figure("discrimination_upper", "double", "Upper end of its 95 % interval"),
        figure("floor_share", "double", "Share at the lowest score"),
        figure("ceiling_share", "double", "Share at the highest score"),
        figure("blocker_rate", "double", "Share below the minimum of a blocker"),
        figure("missing_share", "double", "Scored sessions without this criterion"),
        *BASIS,
        SUPPRESSED,
    ),
    partitioned=False,
)

PACING = Table(
    layer="marts",
    name="pacing",
    grain="one row per week, region and scenario, and their roll-ups",
    key=("tenant", "week", "region", "scenario_id"),
    columns=(
        TENANT,
        WEEK,
        REGION,
        SCENARIO,
        LEARNERS,
        figure("sessions", "bigint", "Sessions with turn timing"),
        figure("talk_share_p25", "double", "Lower quartile of the learner's talk share"),
        figure("talk_share_p50", "double", "Median of the learner's talk share"),
        figure("talk_share_p75", "double", "Upper quartile of the learner's talk share"),
        figure("response_gap_p50_s", "double", "Median of the sessions' median response gap"),
        figure("response_gap_p95_s", "double", "95th percentile of the sessions' median response gap"),
        figure("interruptions_per_session", "double", "Mean interruptions by the learner"),
        figure("interrupted_per_session", "double", "Mean interruptions by the counterpart"),
        figure("longest_monologue_p50_s", "double", "Median longest learner turn"),
        SUPPRESSED,
    ),
    partitioned=False,
)

OBJECTIVE_FUNNEL = Table(
    layer="marts",
    name="objective_funnel",
    grain="one row per scenario, scenario version and objective",
    key=("tenant", "scenario_id", "scenario_version", "objective"),
    columns=(
        TENANT,
        must("scenario_id", "varchar", "Scenario"),
        must("scenario_version", "varchar", "Version of the scenario"),
        must("objective", "varchar", "Objective"),
        column("position", "integer", "Position in the scenario's chain; null where uncatalogued"),
        LEARNERS,
        figure("sessions", "bigint", "Sessions of the scenario version with a transcript"),
        figure("reached", "bigint", "Sessions that completed the objective"),
        figure("reached_share", "double", "reached / sessions"),
        figure("lower", "double", "Lower end of the 95 % Wilson interval"),
        figure("upper", "double", "Upper end of the 95 % Wilson interval"),
        figure("seconds_p50", "double", "Median seconds from start to completion"),
        figure("not_found_share", "double", "Completions with a variable answered NOTFOUND"),
        SUPPRESSED,
    ),
    partitioned=False,
)

GUARDRAIL_BOARD = Table(
    layer="marts",
    name="guardrail_board",
    grain="one row per week, guardrail, region and scenario, and their roll-ups",
    key=("tenant", "week", "guardrail", "region", "scenario_id"),
    columns=(
        TENANT,
        WEEK,
        must("guardrail", "varchar", "Guardrail"),
        column("severity", "varchar", "Highest severity that the scenarios give it"),
        column("regulation", "varchar", "Rule that the scenarios map it to"),
        REGION,
        SCENARIO,
        LEARNERS,
        figure("sessions", "bigint", "Sessions in which it could trigger"),
        figure("triggered", "bigint", "Sessions in which it triggered"),
        figure("triggers", "bigint", "Triggers"),
        figure("repeat_learners", "bigint", "Learners who triggered it in more than one session"),
        figure("rate", "double", "triggered / sessions"),
        figure("lower", "double", "Lower end of the 95 % Wilson interval"),
        figure("upper", "double", "Upper end of the 95 % Wilson interval"),
        figure("seconds_p50", "double", "Median seconds from start to the first trigger"),
        SUPPRESSED,
    ),
    partitioned=False,
)

BOARDS = (
    DATA_HEALTH,
    PRACTICE_FUNNEL,
    COMPETENCY_TREND,
    VERSION_EVENTS,
    LEARNER_PROGRESS,
    SCENARIO_ITEMS,
    PACING,
    OBJECTIVE_FUNNEL,
    GUARDRAIL_BOARD,
)

# Overviews for the data health page: where bad input is, never what was said in it.
QUARANTINE = Table(
    layer="marts",
    name="quarantine",
    grain="one row per core row in quarantine, without the row itself",
    key=("tenant", "table_name", "raw_ref", "row_number"),
    columns=(
        TENANT,
        must("table_name", "varchar", "Core table that the row was meant for"),
        column("session_id", "varchar", "Session of the row, where it has one"),
        must("day", "date", "Partition the row was judged in"),
        must("row_number", "integer", "Position among the broken rows of the same raw row"),
        must("broken_rules", "varchar[]", "Every rule that the row broke"),
        must("reason", "varchar", "What is wrong and how to mend it, one sentence a rule"),
        must("raw_ref", "varchar", "Table and key of the raw row"),
        must("first_seen_at", "timestamptz", "When its raw row was accepted"),
    ),
    partitioned=False,
)

INGEST_BATCHES = Table(
    layer="marts",
    name="ingest_batches",
    grain="one row per ingested file or drain of the gateway",
    key=("batch_id",),
    columns=(
        must("tenant", "varchar", "Customer"),
        must("batch_id", "varchar", "Batch"),
        must("kind", "varchar", "What was read: deliveries, bundles, launches, learners, outcomes, …"),
        must("source", "varchar", "File name or connector"),
        must("opened_at", "timestamptz", "When reading began"),
        column("rows_read", "bigint", "Lines or rows read; null where reading was cut off"),
        column("accepted", "bigint", "New rows accepted"),
        column("repeated", "bigint", "Rows that were there already"),
        column("refused", "bigint", "Rows refused, each with its reason in the state database"),
        column("withheld", "bigint", "Signals that the gate dropped"),
    ),
    partitioned=False,
)

INTAKE = (QUARANTINE, INGEST_BATCHES)
