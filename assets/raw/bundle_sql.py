"""SQL of session bundles: the types a line is read with, the rules it keeps, and the row it becomes.

Both ways of landing (whole file at once, or line by line where a line is broken) read with the same types, so
they take and refuse the same lines.
"""

from assets.contracts.raw import ASSESSMENTS_TYPE, BUNDLES, MEDIA_TYPE, SIGNALS_TYPE, TURNS_TYPE
from assets.duck import literal
from assets.lake import FIRST_DAY
from governance.privacy.erasure import REASON, RULE
from integrations.engine.hidden import SUSPECT

FORMAT = "rolecall.session/1"
LAUNCH_TYPE = (
    "struct(tenant varchar, learner_id varchar, scenario_id varchar, scenario_version varchar, attempt integer,"
    " assigned boolean, region varchar, jurisdiction varchar, language varchar, notice_ref varchar)"
)
HEAD_TYPES = {
    "format": "varchar",
    "engine": "varchar",
    "engine_session_id": "varchar",
    "launch": LAUNCH_TYPE,
    "started_at": "varchar",
    "signals": "struct(kind varchar, name varchar)[]",
}
TYPES = {
    **HEAD_TYPES,
    "ended_at": "varchar",
    "end_reason": "varchar",
    "is_test": "boolean",
    "config_hash": "varchar",
    "turns": TURNS_TYPE,
    "signals": SIGNALS_TYPE,
    "assessments": ASSESSMENTS_TYPE,
    "media": MEDIA_TYPE,
}
TENANT_PATTERN = "^[a-z0-9][a-z0-9_-]{0,62}$"
# Only bundles with such words leave the fast way; integrations.engine.hidden then takes out what is perception.
SUSPECT_TEXT = "(?i)" + SUSPECT
SUSPECT_PAYLOAD = (
    SUSPECT_TEXT + "|raven|gaze|eye_contact|facial_|face_|posture|body_language|micro_?expression|vocal_|voice_"
    "|visual_|audio_|perceived_emotion|apparent_|frames|mime_type"
)
MOMENT = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)$"


def utc(text: str) -> str:
    """The moment that an ISO 8601 text with an offset names, NULL for anything else (a naive time included)."""
    return f"case when regexp_full_match(upper({text}), {literal(MOMENT)}) then try_cast({text} as timestamptz) end"


def reader(path: str, types: dict[str, str]) -> str:
    """``read_json`` over JSON lines with fixed types: mistyped values are errors, further fields do not pass."""
    columns = ", ".join(f"{name}: {literal(type_)}" for name, type_ in types.items())
    return (
        f"read_json({literal(path)}, format = 'newline_delimited', columns = {{{columns}}},"
        " maximum_object_size = 16777216)"
    )


def held(source: str) -> str:
    """Bundles as landing holds them while it looks at them.

    Beside its fields each one has the day that its own start gives, whether it is suspected of perception notes, and
    digests of its long parts, which are worked out here because the reader runs on all threads.
    """
    return f"""
    select
        * exclude (spoken),
        {utc("started_at")}::date as start_day,
        {suspect("spoken")} as suspected,
        sha256(spoken) as spoken_digest,
        hash(turns) as turns_digest,
        hash(assessments) as assessments_digest
    from (
        select *, array_to_string(list_transform(turns, lambda turn: turn.text), chr(31)) as spoken from {source}
    )
    """


def suspect(spoken: str) -> str:
    """Whether a bundle holds text that perception notes hide behind; ``spoken`` is the text of its turns in one."""
    text, payload = literal(SUSPECT_TEXT), literal(SUSPECT_PAYLOAD)
    return f"""(
        coalesce(regexp_matches({spoken}, {text}), false)
        or coalesce(list_bool_or(list_transform(
            signals,
            lambda signal: (
                signal.kind is distinct from 'perception'
                and regexp_matches(coalesce(signal.payload::varchar, ''), {payload})
            ) or regexp_matches(coalesce(signal.reason, ''), {text})
        )), false)
        or coalesce(list_bool_or(list_transform(
            assessments,
            lambda assessment: list_bool_or(list_transform(
                assessment.criteria, lambda criterion: regexp_matches(coalesce(criterion.comment, ''), {text})
            ))
        )), false)
    )"""


def heads(source: str, tenant: str | None, more: str = "") -> str:
    """What landing has to know of each bundle before it writes one: who, whose, when."""
    fill = "null" if tenant is None else literal(tenant)
    return f"""
    select
        format,
        coalesce(launch.tenant, {fill}) as tenant,
        coalesce(engine, 'generic') as engine,
        engine_session_id,
        coalesce(engine, 'generic') || ':' || engine_session_id as session_id,
        nullif(trim(launch.learner_id), '') as learner_id,
        launch.jurisdiction as jurisdiction,
        started_at,
        {utc("started_at")} as moment,
        moment::date as day,
        coalesce(len(list_filter(signals, lambda signal: signal.kind = 'perception')), 0) as perceived
        {", " + more if more else ""}
    from {source}
    """


def human_scorers(source: str, tenant: str | None) -> str:
    """Tenant and id of every person who scored; a person is known by a pseudonym as scorer too."""
    fill = "null" if tenant is None else literal(tenant)
    return f"""
    select distinct coalesce(launch.tenant, {fill}) as tenant, assessment.scorer.id as scorer_id
    from (select launch, unnest(assessments) as assessment from {source})
    where assessment.scorer.kind = 'human' and coalesce(assessment.scorer.id, '') <> ''
    """


def head_rules(tenant: str | None, tenants: list[str] | None, latest: str) -> dict[str, tuple[str, str]]:
    """Rules of a bundle's head: name → (predicate that a good one satisfies, what the refused line is told)."""
    rules = {
        "format_known": (
            f"format = {literal(FORMAT)}",
            f"format is not {FORMAT}; set it, or convert the file to that format",
        ),
        "session_named": (
            "coalesce(engine_session_id, '') <> ''",
            "engine_session_id is missing; without it a repeat could not be told from a new session",
        ),
        "tenant_named": (
            "coalesce(tenant, '') <> ''",
            "launch.tenant is missing; write it, or name the tenant with --tenant",
        ),
        "tenant_well_formed": (
            f"tenant is null or regexp_full_match(tenant, {literal(TENANT_PATTERN)})",
            "launch.tenant must be lower-case letters, digits, - and _, as in acme-emea",
        ),
        "started_at_is_utc_time": (
            "moment is not null",
            "started_at is missing, not a time, or has no UTC offset; write it as 2026-11-02T09:00:04Z",
        ),
        "started_at_plausible": (
            f"day is null or day between date '{FIRST_DAY}' and date {literal(latest)}",
            f"started_at lies before {FIRST_DAY} or in the future; mend the clock or the time at the source",
        ),
        RULE: (
            "not exists (from erased where erased.tenant = heads.tenant and erased.session_id = heads.session_id)",
            REASON,
        ),
    }
    if tenant is not None:
        rules["tenant_matches"] = (
            f"tenant is null or tenant = {literal(tenant)}",
            f"launch.tenant is not {tenant}; leave out --tenant, or mend the line",
        )
    if tenants is not None:
        listed = ", ".join(literal(name) for name in tenants) or "''"
        rules["tenant_known"] = (
            f"tenant is null or tenant in ({listed})",
            "launch.tenant is not a tenant of this home; add it to config/rolecall.yaml, or mend the line",
        )
    return rules


def rows(
    source: str, *, batch_id: str, received_at: str, policy_version: str, tenant: str | None, where: str = "true"
) -> str:
    """Bundles as rows of raw/bundles, gated. ``source`` has the columns of ``held``.

    Expects the tables ``pseudonyms (tenant, learner_id, learner_key)``, ``homes (tenant, session_id, day)`` for
    sessions whose day is not the one their own start gives, ``blind (jurisdiction)`` for those where perception may
    not be written, and ``examiners (tenant, keys)``, a map from the id of each human scorer to a pseudonym.
    """
    fill = "null" if tenant is None else literal(tenant)
    stored = ", ".join(column.name for column in BUNDLES.columns)
    return f"""
    with

    read as (
        select
            * replace (coalesce(engine, 'generic') as engine),
            coalesce(launch.tenant, {fill}) as tenant,
            coalesce(engine, 'generic') || ':' || engine_session_id as session_id
        from {source}
        where {where}
    ),

    gated as (
        select
            read.* exclude (signals, launch, format, assessments),
            case
                when examiners.keys is null then read.assessments
                else list_transform(read.assessments, lambda assessment: struct_update(
                    assessment,
                    scorer := struct_update(
                        assessment.scorer,
                        id := case
                            when assessment.scorer.kind = 'human' then examiners.keys[assessment.scorer.id]
                            else assessment.scorer.id
                        end
                    )
                ))
            end as assessments,
            read.launch.scenario_id, read.launch.scenario_version, read.launch.attempt, read.launch.assigned,
            read.launch.region, read.launch.jurisdiction, read.launch.language, read.launch.notice_ref,
            nullif(trim(read.launch.learner_id), '') as learner_id,
            case
                when blind.jurisdiction is null then read.signals
                else list_filter(read.signals, lambda signal: signal.kind is distinct from 'perception')
            end as passed,
            coalesce(len(read.signals), 0) - coalesce(len(passed), 0) as withheld,
            passed as signals
        from read
        left join blind on blind.jurisdiction = coalesce(read.launch.jurisdiction, '')
        left join examiners on examiners.tenant = read.tenant
    ),

    final as (
        select
            gated.* exclude (passed),
            pseudonyms.learner_key,
            coalesce(homes.day, gated.start_day) as day,
            sha256(concat_ws(
                chr(31),
                gated.spoken_digest, gated.turns_digest, hash(gated.signals), gated.assessments_digest,
                hash(gated.media),
                gated.started_at, gated.ended_at, gated.end_reason, gated.is_test, gated.config_hash,
                pseudonyms.learner_key, hash(gated.scenario_id), hash(gated.scenario_version), hash(gated.attempt),
                hash(gated.assigned), hash(gated.region), hash(gated.jurisdiction), hash(gated.language),
                hash(gated.notice_ref)
            )) as content_sha256,
            timestamptz {literal(received_at)} as received_at,
            {literal(policy_version)} as policy_version,
            {literal(batch_id)} as batch_id
        from gated
        left join pseudonyms using (tenant, learner_id)
        left join homes using (tenant, session_id)
    )

    select {stored} from final
    """
