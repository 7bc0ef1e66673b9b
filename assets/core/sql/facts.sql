-- One row per session of the days at hand: what its raw rows, its launch and the catalog say, before the turns are read.
with

sessions as (
    select
        * exclude (turns, signals, assessments, media),
        len(turns) as turn_list,
        len(signals) as signal_list,
        len(assessments) as score_list
    from parts
),

registered as (
    select * from launches
),

catalog as (
    select * from scenarios
),

attributed as (
    select
        sessions.tenant,
        sessions.session_id,
        sessions.day,
        sessions.engine,
        sessions.engine_session_id,
        coalesce(registered.learner_key, sessions.learner_key) as learner_key,
        coalesce(registered.scenario_id, sessions.scenario_id) as scenario_id,
        coalesce(registered.scenario_version, sessions.scenario_version) as scenario_version,
        coalesce(registered.attempt, sessions.attempt) as attempt,
        coalesce(registered.assigned, sessions.assigned) as assigned,
        coalesce(registered.region, sessions.region) as region,
        coalesce(registered.jurisdiction, sessions.jurisdiction) as jurisdiction,
        coalesce(registered.language, sessions.language) as language,
        coalesce(registered.notice_ref, sessions.notice_ref) as notice_ref,
        utc(sessions.started_at) as started_at,
        utc(sessions.ended_at) as ended_at,
        sessions.ended_at is null or utc(sessions.ended_at) is not null as ended_at_ok,
        sessions.end_reason as end_reason_raw,
        coalesce(sessions.is_test, false) as is_test,
        sessions.config_hash,
        sessions.policy_version,
        sessions.withheld as withheld_signals,
        sessions.first_received_at,
        sessions.last_received_at,
        sessions.raw_ref,
        sessions.turn_list,
        sessions.signal_list,
        coalesce(sessions.closed, true) as closed,
        sessions.closed is null as bundled,
        coalesce(sessions.parts_expected, ['end', 'scores', 'transcript']) as expected,
        coalesce(
            sessions.parts_seen,
            list_filter(
                [
                    case when sessions.ended_at is not null or sessions.end_reason is not null then 'end' end,
                    case when sessions.turn_list > 0 then 'transcript' end,
                    case when sessions.score_list > 0 then 'scores' end
                ],
                lambda part: part is not null
            )
        ) as seen
    from sessions
    left join registered using (tenant, session_id)
),

waited as (
    select
        *,
        list_sort(
            list_filter(expected, lambda part: not list_contains(seen, part))
            || case when learner_key is null then ['launch'] else [] end
        ) as missing_parts,
        -- What is taken from files long after the call waits for nothing: the engine has said all it will say. The
        -- receipt bounds it, where an engine's clock runs ahead.
        least(last_received_at, case when closed then coalesce(ended_at, started_at) else started_at end)
        + to_seconds(case when closed then wait_closed_s() else wait_open_s() end) as due_at
    from attributed
),

final as (
    select
        waited.* exclude (closed, bundled, expected, seen),
        waited.learner_key is not null as attributed,
        catalog.scenario_id is not null as catalogued,
        catalog.rubric_id as scenario_rubric_id,
        catalog.rubric_version as scenario_rubric_version,
        epoch(waited.ended_at - waited.started_at) as duration_s,
        end_reasons.end_reason as end_reason,
        case
            when waited.closed and len(waited.missing_parts) = 0 then 'complete'
            -- A bundle is told once it is over, so that nothing more is waited for.
            when waited.bundled or built_at() >= waited.due_at then 'complete_partial'
            else 'open'
        end as completeness
    from waited
    left join catalog using (scenario_id, scenario_version)
    left join end_reasons on end_reasons.raw = waited.end_reason_raw
)

select * from final
