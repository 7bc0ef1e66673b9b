-- one row per session and guardrail triggered in it. A staging table, never published.
with

final as (
    select
        sessions.tenant,
        sessions.session_id,
        sessions.day,
        coalesce(sessions.scenario_id, 'unknown') as scenario_id,
        coalesce(sessions.scenario_version, 'unknown') as scenario_version,
        signals.name as guardrail,
        max(
            case signals.severity
                when 'critical' then 5 when 'high' then 4 when 'medium' then 3 when 'low' then 2 when 'info' then 1
            end
        ) as severity,
        max(signals.regulation) as regulation,
        count(*) as triggers,
        min(signals.at_s) as at_s
    from signals
    inner join sessions on signals.tenant = sessions.tenant and signals.session_id = sessions.session_id
    where
        signals.kind = 'guardrail' and signals.state = 'triggered'
        and not sessions.is_test and sessions.learner_turns > 0
    group by
        sessions.tenant,
        sessions.session_id,
        sessions.day,
        coalesce(sessions.scenario_id, 'unknown'),
        coalesce(sessions.scenario_version, 'unknown'),
        signals.name
)

select * from final
