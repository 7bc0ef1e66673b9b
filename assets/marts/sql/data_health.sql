-- one row per UTC day and engine; the only mart that counts test sessions and unattributed ones
with

lost_media as (
    select distinct tenant, session_id
    from media
    where status not in ('available', 'not_probed')
),

scored as (
    select distinct tenant, session_id
    from session_scores
),

session_days as (
    select
        sessions.tenant,
        sessions.day,
        sessions.engine,
        count(*) filter (where not is_test) as sessions,
        count(*) filter (where is_test) as test_sessions,
        count(*) filter (where not is_test and completeness = 'complete') as complete,
        count(*) filter (where not is_test and completeness = 'complete_partial') as complete_partial,
        count(*) filter (where not is_test and completeness = 'open') as open,
        count(*) filter (where not is_test and not attributed) as unattributed,
        count(*) filter (where not is_test and scored.session_id is not null) as scored,
        count(*) filter (
            where not is_test and completeness <> 'open' and array_contains(missing_parts, 'transcript')
        ) as missing_transcript,
        count(*) filter (
            where not is_test and completeness <> 'open' and array_contains(missing_parts, 'scores')
        ) as missing_scores,
        count(*) filter (where not is_test and lost_media.session_id is not null) as missing_recording,
        sum(case when is_test then 0 else withheld_signals end) as withheld_signals,
        max(last_received_at) as last_received_at
    from sessions
    left join scored on sessions.tenant = scored.tenant and sessions.session_id = scored.session_id
    left join lost_media on sessions.tenant = lost_media.tenant and sessions.session_id = lost_media.session_id
    group by sessions.tenant, sessions.day, sessions.engine
),

quarantine_days as (
    select
        tenant,
        day,
        coalesce(split_part(session_id, ':', 1), 'unknown') as engine,
        count(*) as quarantined
    from quarantine
    group by tenant, day, coalesce(split_part(session_id, ':', 1), 'unknown')
),

final as (
    select
        coalesce(session_days.tenant, quarantine_days.tenant) as tenant,
        coalesce(session_days.day, quarantine_days.day) as day,
        coalesce(session_days.engine, quarantine_days.engine) as engine,
        coalesce(sessions, 0) as sessions,
        coalesce(test_sessions, 0) as test_sessions,
        coalesce(complete, 0) as complete,
        coalesce(complete_partial, 0) as complete_partial,
        coalesce(open, 0) as open,
        coalesce(unattributed, 0) as unattributed,
        coalesce(scored, 0) as scored,
        coalesce(missing_transcript, 0) as missing_transcript,
        coalesce(missing_scores, 0) as missing_scores,
        coalesce(missing_recording, 0) as missing_recording,
        coalesce(quarantined, 0) as quarantined,
        coalesce(withheld_signals, 0) as withheld_signals,
        last_received_at
    from session_days
    full outer join quarantine_days
        on session_days.tenant = quarantine_days.tenant
        and session_days.day = quarantine_days.day
        and session_days.engine = quarantine_days.engine
)

select * from final
