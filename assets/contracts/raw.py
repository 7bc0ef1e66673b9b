"""Raw tables: as delivered, after the gate. Times that a source wrote stay text until core has judged them."""

from assets.contracts.table import Column, Table, column, must

TENANT = must("tenant", "varchar", "Customer the row belongs to")
DAY = must("day", "date", "UTC day the session started (outcomes: the day they occurred)")
RECEIVED = must("received_at", "timestamptz", "When Rolecall accepted it")
POLICY = must("policy_version", "varchar", "Version of the signal policy that the gate applied")
BATCH = must("batch_id", "varchar", "Ingest batch or gateway drain that wrote the row")

DELIVERIES = Table(
    layer="raw",
    name="deliveries",
    grain="one row per accepted engine delivery; a repeat is counted, not stored",
    key=("tenant", "event_key"),
    columns=(
        TENANT,
        must("session_id", "varchar", "`engine:engine_session_id`"),
        DAY,
        must("event_key", "varchar", "Idempotency key: sha256 over the canonical delivery"),
        must("channel", "varchar", "webhook, objective, guardrail, tool, relay, pull or file"),
        must("event_type", "varchar", "Canonical event type; an unknown one is kept as it came"),
        column("known", "boolean", "False where the vocabulary has no such event type"),
        column("engine_at", "timestamptz", "Time the engine wrote on the event; null where it wrote none"),
        RECEIVED,
        must("body", "varchar", "The delivery as JSON, after the gate", personal="speech"),
        must("withheld", "integer", "Fields that the gate dropped from this delivery"),
        POLICY,
        BATCH,
    ),
)

# One nested row keeps a bundle whole, so that core reads a session's parts from a single scan.
TURNS_TYPE = (
    "struct(speaker varchar, text varchar, start_s double, duration_s double, interrupted boolean,"
    " language varchar, input_mode varchar)[]"
)
SIGNALS_TYPE = (
    "struct(kind varchar, name varchar, state varchar, at_s double, reason varchar, payload json, alignment varchar)[]"
)
CRITERIA_TYPE = (
    "struct(criterion_id varchar, score double, min double, max double, evidence_turns integer[], comment varchar)[]"
)
ASSESSMENTS_TYPE = (
    "struct(rubric_id varchar, rubric_version varchar,"
    " scorer struct(kind varchar, id varchar, version varchar), scored_at varchar,"
    f" criteria {CRITERIA_TYPE})[]"
)
MEDIA_TYPE = (
    "struct(uri varchar, kind varchar, started_at varchar, duration_s double, sha256 varchar, status varchar,"
    " status_reason varchar)[]"
)

BUNDLE_PARTS: tuple[Column, ...] = (
    must("engine", "varchar", "Engine that ran the session: `cvi`, `generic`, …"),
    must("engine_session_id", "varchar", "The engine's own id"),
    column("learner_key", "varchar", "Keyed pseudonym from the launch", personal="pseudonym"),
    column("scenario_id", "varchar", "Scenario from the launch"),
    column("scenario_version", "varchar", "Scenario version from the launch"),
    column("attempt", "integer", "Attempt number that the launch declared"),
    column("assigned", "boolean", "Assigned practice, as against free practice"),
    column("region", "varchar", "Region from the launch"),
    column("jurisdiction", "varchar", "Jurisdiction of the learner's place of work"),
    column("language", "varchar", "Language of the session, BCP 47"),
    column("notice_ref", "varchar", "Reference of the notice or consent given"),
    column("started_at", "varchar", "Start as the source wrote it"),
    column("ended_at", "varchar", "End as the source wrote it"),
    column("end_reason", "varchar", "End reason as the source wrote it"),
    column("is_test", "boolean", "Test conversation, excluded from every metric"),
    column("config_hash", "varchar", "Digest of the engine configuration in force"),
    column("turns", TURNS_TYPE, "Speech turns in order", personal="speech"),
    column("signals", SIGNALS_TYPE, "Objective, guardrail, tool, knowledge, memory and allowed perception events"),
    column("assessments", ASSESSMENTS_TYPE, "Rubric scores with their evidence", personal="speech"),
    column("media", MEDIA_TYPE, "Recordings as declared"),
)

BUNDLES = Table(
    layer="raw",
    name="bundles",
    grain="one row per distinct session bundle; the same session may come again with other content",
    key=("tenant", "session_id", "content_sha256"),
    columns=(
        TENANT,
        must("session_id", "varchar", "`engine:engine_session_id`"),
        DAY,
        must("content_sha256", "varchar", "Digest of the bundle after the gate"),
        *BUNDLE_PARTS,
        must("withheld", "bigint", "Signals that the gate dropped from this bundle"),
        RECEIVED,
        POLICY,
        BATCH,
    ),
)

OUTCOMES = Table(
    layer="raw",
    name="outcomes",
    grain="one row per distinct outcome row of a file or connector",
    key=("tenant", "content_sha256"),
    columns=(
        TENANT,
        DAY,
        must("content_sha256", "varchar", "Digest of the source row"),
        column("source", "varchar", "File name or connector that brought it"),
        column("learner_key", "varchar", "Keyed pseudonym of the learner", personal="pseudonym"),
        column("kind", "varchar", "deal_won, deal_lost, csat, ramp_days, … or x-…"),
        column("value", "decimal(18,4)", "Amount or measure; null is not 0"),
        column("unit", "varchar", "Currency code or unit"),
        column("occurred_at", "varchar", "Time as the source wrote it"),
        column("reference", "varchar", "The source's own record id"),
        column("exposure_from", "varchar", "From when practice counts as exposure, as the source wrote it"),
        column("attributes", "json", "Further fields of the source"),
        RECEIVED,
        BATCH,
    ),
)

PEOPLE_TYPE = "struct(rule varchar, match varchar, token varchar)[]"

CRM_RECORDS = Table(
    layer="raw",
    name="crm_records",
    grain="one row per version of a connector's record, a deletion included; a version read again is not landed again",
    key=("tenant", "connector", "entity", "record_id", "version", "received_at"),
    columns=(
        TENANT,
        must("day", "date", "UTC day it was received"),
        must("connector", "varchar", "Connector that brought it"),
        must("entity", "varchar", "Its entry below `read` in the connector's file"),
        must("role", "varchar", "deal, csat, csat_window or event"),
        must("record_id", "varchar", "The source's own record id"),
        must("version", "varchar", "Digest of the record as it landed"),
        column("modified_at", "timestamptz", "When the source says that it changed"),
        must("deleted", "boolean", "The record is gone from the source"),
        column("kind", "varchar", "Kind of outcome that the source names; null where the mapping tells it"),
        column("stage", "varchar", "Stage of a deal, in the source's words"),
        column("value", "decimal(18,4)", "Amount, rating or sum of ratings; null is not 0"),
        column("unit", "varchar", "Currency code or scale"),
        column("answers", "bigint", "Ratings behind the sum of a window"),
        column("opened_at", "timestamptz", "When it was opened, or the window began"),
        column("occurred_at", "timestamptz", "When it was closed, answered or occurred, or the window ended"),
        column(
            "people",
            PEOPLE_TYPE,
            "Keyed digests of what names its people, in order of preference",
            personal="pseudonym",
        ),
        column("attributes", "json", "Further fields that the mapping names"),
        RECEIVED,
        BATCH,
    ),
)

RAW = (DELIVERIES, BUNDLES, OUTCOMES, CRM_RECORDS)
