-- one row per session and objective completed in it. A staging table, never published.
with

final as (
    select
        sessions.tenant,
        sessions.session_id,
        sessions.day,
        sessions.scenario_id,
        coalesce(sessions.scenario_version, 'unknown') as scenario_version,
        signals.name as objective,
        min(signals.at_s) as at_s,
        max(case when signals.not_found > 0 then 1 else 0 end) as not_found
    from signals
    inner join sessions on signals.tenant = sessions.tenant and signals.session_id = sessions.session_id
    where
        signals.kind = 'objective' and signals.state = 'completed'
        and not sessions.is_test and sessions.scenario_id is not null and sessions.learner_turns > 0
    group by
        sessions.tenant,
        sessions.session_id,
        sessions.day,
        sessions.scenario_id,
        coalesce(sessions.scenario_version, 'unknown'),
        signals.name
)

select * from final
