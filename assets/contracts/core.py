"""Core tables: typed, deduplicated, pseudonymous; each row is good or in quarantine with its reason."""

from assets.contracts.table import Column, Table, column, must

TENANT = must("tenant", "varchar", "Customer the row belongs to")
SESSION = must("session_id", "varchar", "`engine:engine_session_id`, unique within a tenant")
DAY = must("day", "date", "UTC day the session started")
LEARNER = column(
    "learner_key", "varchar", "Keyed pseudonym; null until a launch attributes the session", personal="pseudonym"
)
RAW_REF = must("raw_ref", "varchar", "Table and key of the raw row that the row came from")

END_REASONS = ("completed", "learner_left", "no_show", "time_limit", "technical_failure", "other")
COMPLETENESS = ("complete", "complete_partial", "open")
PARTS = ("launch", "end", "transcript", "scores", "recording", "perception")
SIGNAL_KINDS = ("objective", "guardrail", "tool", "perception", "memory", "knowledge")
SEVERITIES = ("info", "low", "medium", "high", "critical")
SCORER_KINDS = ("engine_llm", "our_llm", "human")
REVIEW_STATES = ("not_required", "pending", "accepted", "adjusted", "rejected")
MEDIA_STATUS = ("available", "missing", "truncated", "copy_failed", "unreadable", "not_probed")


def one_of(name: str, values: tuple[str, ...]) -> str:
    """A predicate that holds where the column has one of the values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{name} in ({listed})"


SESSIONS = Table(
    layer="core",
    name="sessions",
    grain="one row per engine session",
    key=("tenant", "session_id"),
    columns=(
        TENANT,
        SESSION,
        DAY,
        must("engine", "varchar", "Engine that ran the session"),
        must("engine_session_id", "varchar", "The engine's own id"),
        LEARNER,
        must("attributed", "boolean", "A launch names the learner"),
        column("scenario_id", "varchar", "Scenario rehearsed"),
        column("scenario_version", "varchar", "Version of the scenario"),
        must("catalogued", "boolean", "Scenario and version are in the catalog"),
        column("attempt", "integer", "Attempt number that the launch declared"),
        column("assigned", "boolean", "Assigned practice, as against free practice"),
        column("region", "varchar", "Region of the learner"),
        column("jurisdiction", "varchar", "Jurisdiction of the learner's place of work"),
        column("language", "varchar", "Language of the session, BCP 47"),
        column("notice_ref", "varchar", "Reference of the notice or consent given"),
        must("started_at", "timestamptz", "Start of the session"),
        column("ended_at", "timestamptz", "End of the session"),
        column("duration_s", "double", "Seconds from start to end"),
        column("end_reason", "varchar", "Normalised: " + ", ".join(END_REASONS)),
        column("end_reason_raw", "varchar", "As the engine wrote it"),
        must("completeness", "varchar", "complete, complete_partial (see missing_parts) or open"),
        must("missing_parts", "varchar[]", "Parts that did not arrive: " + ", ".join(PARTS)),
        must("is_test", "boolean", "Test conversation, excluded from every mart"),
        column("config_hash", "varchar", "Digest of the engine configuration in force"),
        must("policy_version", "varchar", "Version of the signal policy that the gate applied"),
        must("withheld_signals", "integer", "Signals that the gate dropped"),
        must("turn_count", "integer", "Speech turns"),
        must("learner_turns", "integer", "Speech turns of the learner"),
        must("learner_words", "integer", "Words of the learner"),
        must("counterpart_words", "integer", "Words of the counterpart"),
        column("talk_share", "double", "Learner's share of speaking time, 0 to 1; null without timing"),
        column("response_gap_p50_s", "double", "Median seconds from the counterpart's end to the learner's start"),
        column("response_gap_p95_s", "double", "95th percentile of the same"),
        column("counterpart_gap_p50_s", "double", "Median seconds from the learner's end to the counterpart's start"),
        column("interruptions_by_learner", "integer", "Counterpart turns that the learner cut off"),
        column("interruptions_by_counterpart", "integer", "Learner turns that the counterpart cut off"),
        column("longest_monologue_s", "double", "Longest learner turn in seconds"),
        must("first_received_at", "timestamptz", "When its first part was accepted"),
        must("last_received_at", "timestamptz", "When its last part was accepted"),
        RAW_REF,
    ),
    rules={
        "started_at_is_utc_time": "started_at is not null",
        "ended_at_is_utc_time": "ended_at_ok",
        "ends_after_start": "ended_at is null or ended_at >= started_at",
        "attempt_counts_from_1": "attempt is null or attempt >= 1",
        "completeness_known": one_of("completeness", COMPLETENESS),
        "end_reason_known": f"end_reason is null or {one_of('end_reason', END_REASONS)}",
    },
    reasons={
        "started_at_is_utc_time": "started_at is missing or has no UTC offset; write it as 2026-11-02T09:00:04Z",
        "ended_at_is_utc_time": "ended_at is not a time or has no UTC offset; write it as 2026-11-02T09:12:30Z",
        "ends_after_start": "ended_at is before started_at; correct one of them at the source",
        "attempt_counts_from_1": "attempt is below 1; attempts count from 1",
        "completeness_known": "the state machine met a state it does not know; report it",
        "end_reason_known": "the end reason was not normalised; report it",
    },
)

TURNS = Table(
    layer="core",
    name="turns",
    grain="one row per speech turn",
    key=("tenant", "session_id", "ordinal"),
    columns=(
        TENANT,
        SESSION,
        DAY,
        must("ordinal", "integer", "Position in the session, from 0"),
        must("speaker", "varchar", "learner or counterpart"),
        must("text", "varchar", "What was said", personal="speech"),
        column("start_s", "double", "Seconds from the start of the session"),
        column("duration_s", "double", "Seconds of speech"),
        must("words", "integer", "Words in the text"),
        column("response_gap_s", "double", "Seconds from the other speaker's end to this start"),
        column("overlap_s", "double", "Seconds spoken over the previous turn"),
        column("interrupted", "boolean", "The other speaker cut this turn off"),
        column("language", "varchar", "Language of the turn, BCP 47"),
        column("input_mode", "varchar", "voice or typed"),
        RAW_REF,
    ),
    rules={
        "speaker_known": "speaker in ('learner', 'counterpart')",
        "text_present": "text is not null",
        "start_not_negative": "start_s is null or start_s >= 0",
        "duration_not_negative": "duration_s is null or duration_s >= 0",
    },
    reasons={
        "speaker_known": "speaker is neither learner nor counterpart",
        "text_present": "the turn has no text; leave it out or write an empty string",
        "start_not_negative": "start_s is negative; it counts from the start of the session",
        "duration_not_negative": "duration_s is negative",
    },
)

SIGNALS = Table(
    layer="core",
    name="signals",
    grain="one row per objective, guardrail, tool, knowledge, memory or allowed perception event",
    key=("tenant", "session_id", "ordinal"),
    columns=(
        TENANT,
        SESSION,
        DAY,
        must("ordinal", "integer", "Position among the session's signals, from 0"),
        must("kind", "varchar", ", ".join(SIGNAL_KINDS)),
        column("name", "varchar", "Name of the objective, guardrail or tool"),
        column("state", "varchar", "activated, pending, completed, triggered, called, …"),
        column("at_s", "double", "Seconds from the start of the session"),
        column("alignment", "varchar", "exact (the engine timed it) or estimated (nearest learner turn)"),
        column("severity", "varchar", "Ours, from the scenario: " + ", ".join(SEVERITIES)),
        column("regulation", "varchar", "Rule that the scenario maps it to"),
        column("reason", "varchar", "Why, as the engine wrote it", personal="speech"),
        column("variables", "json", "Output variables of an objective or arguments of a tool", personal="speech"),
        column("not_found", "integer", "Variables that the evaluator answered with NOTFOUND"),
        RAW_REF,
    ),
    rules={
        "kind_known": one_of("kind", SIGNAL_KINDS),
        "named": "kind in ('perception', 'memory', 'knowledge') or coalesce(name, '') <> ''",
        "at_not_negative": "at_s is null or at_s >= 0",
    },
    reasons={
        "kind_known": "kind is not one of " + ", ".join(SIGNAL_KINDS),
        "named": "an objective, guardrail or tool needs a name",
        "at_not_negative": "at_s is negative; it counts from the start of the session",
    },
)

SCORER: tuple[Column, ...] = (
    must("rubric_id", "varchar", "Rubric applied"),
    must("rubric_version", "varchar", "Version of the rubric"),
    must("scorer_kind", "varchar", ", ".join(SCORER_KINDS)),
    must("scorer_id", "varchar", "Tool, model or person that scored; a person by learner key"),
    must("scorer_version", "varchar", "Version of the scorer, `unknown` where it gave none"),
    must("revision", "integer", "1 for the first score of this scorer, then upwards in order of scored_at"),
    must("is_latest", "boolean", "The newest revision of this scorer"),
    column("scored_at", "timestamptz", "When it was scored"),
    must("uncatalogued", "boolean", "The rubric is not in the catalog; its scale is taken from the scores"),
    must("review_state", "varchar", ", ".join(REVIEW_STATES)),
)

CRITERION_SCORES = Table(
    layer="core",
    name="criterion_scores",
    grain="one row per session, scorer, rubric version, revision and criterion",
    key=(
        "tenant",
        "session_id",
        "rubric_id",
        "rubric_version",
        "scorer_kind",
        "scorer_id",
        "scorer_version",
        "revision",
        "criterion_id",
    ),
    columns=(
        TENANT,
        SESSION,
        DAY,
        LEARNER,
        *SCORER,
        must("criterion_id", "varchar", "Criterion of the rubric"),
        column("competency", "varchar", "Competency that the criterion feeds; the criterion itself where uncatalogued"),
        must("score", "double", "Score on the criterion's own scale"),
        must("score_min", "double", "Lowest score of the scale"),
        must("score_max", "double", "Highest score of the scale"),
        must("scaled", "double", "Score on 0 to 1; null-free because a scale of one point is refused"),
        must("weight", "double", "Weight in the overall score"),
        must("blocker", "boolean", "Missing its minimum fails the session whatever the total"),
        must("met", "boolean", "Reaches the criterion's own minimum"),
        column("evidence_turns", "integer[]", "Ordinals of the turns that the scorer cites"),
        column("comment", "varchar", "The scorer's comment", personal="speech"),
        RAW_REF,
    ),
    rules={
        "criterion_known": "criterion_known",
        "criterion_once": "criterion_once",
        "score_present": "score is not null",
        "score_in_range": "score is null or score between score_min and score_max",
        "scorer_kind_known": one_of("scorer_kind", SCORER_KINDS),
        "scored_at_is_utc_time": "scored_at_ok",
        "scale_has_width": "score_max > score_min",
    },
    reasons={
        "criterion_known": "the rubric version has no such criterion; add a new rubric version or mend the mapping",
        "criterion_once": "the scorer gave this criterion twice in one assessment; nobody can say which one holds",
        "score_present": "the score is missing; absent is not 0",
        "score_in_range": "the score lies outside the criterion's scale",
        "scorer_kind_known": "scorer kind is not one of " + ", ".join(SCORER_KINDS),
        "scored_at_is_utc_time": "scored_at is not a time or has no UTC offset",
        "scale_has_width": "the scale has one point only; give min and max",
    },
)

SESSION_SCORES = Table(
    layer="core",
    name="session_scores",
    grain="one row per session, scorer, rubric version and revision",
    key=(
        "tenant",
        "session_id",
        "rubric_id",
        "rubric_version",
        "scorer_kind",
        "scorer_id",
        "scorer_version",
        "revision",
    ),
    columns=(
        TENANT,
        SESSION,
        DAY,
        LEARNER,
        *SCORER,
        must("overall", "double", "Weighted mean of scaled criteria, 0 to 1"),
        column(
            "passed",
            "boolean",
            "Pass rule of the rubric, applied here; null where the rubric has none or criteria are missing",
        ),
        must("blockers_hit", "varchar[]", "Blocker criteria below their minimum"),
        must("criteria_scored", "integer", "Criteria with a score"),
        must("criteria_expected", "integer", "Criteria of the rubric version"),
        RAW_REF,
    ),
    rules={
        "overall_in_range": "overall between 0 and 1",
    },
    reasons={"overall_in_range": "the overall score left 0 to 1; report it"},
)

MEDIA = Table(
    layer="core",
    name="media",
    grain="one row per recording object",
    key=("tenant", "session_id", "uri"),
    columns=(
        TENANT,
        SESSION,
        DAY,
        must("uri", "varchar", "Where the recording lies"),
        must("kind", "varchar", "video or audio"),
        must("status", "varchar", ", ".join(MEDIA_STATUS)),
        column("status_reason", "varchar", "Why it is not available"),
        column("started_at", "timestamptz", "Start of the recording"),
        column("offset_s", "double", "Seconds to add to transcript time to get recording time"),
        column("declared_duration_s", "double", "Duration that the engine declared"),
        column("probed_duration_s", "double", "Duration found in the file"),
        column("size_bytes", "bigint", "Size of the object"),
        column("sha256", "varchar", "Digest of the object as probed"),
        column("captions_path", "varchar", "WebVTT file below the home's exports"),
        RAW_REF,
    ),
    rules={
        "kind_known": "kind in ('video', 'audio')",
        "status_known": one_of("status", MEDIA_STATUS),
        "uri_present": "coalesce(uri, '') <> ''",
    },
    reasons={
        "kind_known": "kind is neither video nor audio",
        "status_known": "the probe gave a status it does not know; report it",
        "uri_present": "the recording has no uri",
    },
)

OUTCOMES = Table(
    layer="core",
    name="outcomes",
    grain="one row per source record",
    key=("tenant", "outcome_id"),
    columns=(
        TENANT,
        must("outcome_id", "varchar", "Kind and the source's reference, or the row's digest where it has none"),
        must("day", "date", "UTC day it occurred"),
        column("learner_key", "varchar", "Keyed pseudonym of the learner", personal="pseudonym"),
        must("kind", "varchar", "deal_won, deal_lost, csat, ramp_days, … or x-…"),
        column("value", "decimal(18,4)", "Amount or measure; null is not 0"),
        column("unit", "varchar", "Currency code or unit"),
        must("occurred_at", "timestamptz", "When it occurred"),
        column("exposure_from", "timestamptz", "From when practice counts as exposure"),
        column("reference", "varchar", "The source's own record id"),
        column("attribution_rule", "varchar", "Rule that attributed it to the learner"),
        column("attributes", "json", "Further fields of the source"),
        column("source", "varchar", "File name or connector that brought it"),
        RAW_REF,
    ),
    rules={
        "kind_known": (
            "kind in ('deal_won', 'deal_lost', 'csat', 'ramp_days', 'lms_grade', 'lms_completion',"
            " 'certification', 'retention') or starts_with(kind, 'x-')"
        ),
        "occurred_at_is_utc_time": "occurred_at is not null",
        "exposure_from_is_utc_time": "exposure_from_ok",
        "learner_named": "learner_key is not null",
        "money_has_currency": "kind not in ('deal_won', 'deal_lost') or value is null or coalesce(unit, '') <> ''",
    },
    reasons={
        "kind_known": "kind is neither a known outcome nor starts with x-",
        "occurred_at_is_utc_time": "occurred_at is missing, not a time, or has no UTC offset",
        "exposure_from_is_utc_time": "exposure_from is not a time or has no UTC offset; write 2026-11-02T00:00:00Z",
        "learner_named": "learner_id is missing",
        "money_has_currency": "a deal's value needs its currency in unit",
    },
)

LEARNERS = Table(
    layer="core",
    name="learners",
    grain="one row per learner key",
    key=("tenant", "learner_key"),
    columns=(
        TENANT,
        must("learner_key", "varchar", "Keyed pseudonym", personal="pseudonym"),
        column("region", "varchar", "Region"),
        column("jurisdiction", "varchar", "Jurisdiction of the place of work"),
        column("role", "varchar", "Job role"),
        column("manager_key", "varchar", "Learner key of the manager", personal="pseudonym"),
        column("hire_date", "date", "First day of employment"),
        column("left_on", "date", "Last day of employment"),
        must("in_directory", "boolean", "False where only a launch or an outcome named the learner"),
    ),
    partitioned=False,
)

LAUNCHES = Table(
    layer="core",
    name="launches",
    grain="one row per launch in the registry",
    key=("tenant", "session_id"),
    columns=(
        TENANT,
        SESSION,
        column("learner_key", "varchar", "Keyed pseudonym", personal="pseudonym"),
        column("scenario_id", "varchar", "Scenario launched"),
        column("scenario_version", "varchar", "Version of the scenario"),
        column("assigned", "boolean", "Assigned practice"),
        column("region", "varchar", "Region of the learner"),
        must("launched_at", "timestamptz", "When the launch was registered or, for files, the time they give"),
    ),
    partitioned=False,
)


def quarantine_of(table: Table) -> Table:
    """The table that keeps what broke a rule of ``table``: the row, the rules, and where it came from."""
    return Table(
        layer=table.layer,
        name=f"{table.name}_quarantine",
        grain=f"one row per {table.path} row that broke a rule",
        key=("tenant", "raw_ref", "row_number"),
        columns=(
            TENANT,
            column("session_id", "varchar", "Session of the row, where it has one"),
            must("day", "date", "Partition the row was judged in"),
            must("row_number", "integer", "Position among the broken rows of the same raw row"),
            must("broken_rules", "varchar[]", "Every rule that the row broke"),
            must("row", "json", "The row itself", personal="speech"),
            must("raw_ref", "varchar", "Table and key of the raw row"),
            must("first_seen_at", "timestamptz", "When its raw row was accepted"),
        ),
    )


JUDGED = (SESSIONS, TURNS, SIGNALS, CRITERION_SCORES, SESSION_SCORES, MEDIA, OUTCOMES)
QUARANTINES = tuple(quarantine_of(table) for table in JUDGED)
CORE = (*JUDGED, LEARNERS, LAUNCHES, *QUARANTINES)
