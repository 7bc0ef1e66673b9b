-- one row per scenario version and guardrail that it watches for, or in which it was ever seen. A staging table.
with

rehearsed as (
    select distinct tenant, coalesce(scenario_id, 'unknown') as scenario_id,
        coalesce(scenario_version, 'unknown') as scenario_version
    from sessions
    where not is_test
),

sources as (
    select tenant, scenario_id, scenario_version, guardrail, severity, regulation
    from triggers

    union all

    select
        rehearsed.tenant,
        rehearsed.scenario_id,
        rehearsed.scenario_version,
        watchpoints.name as guardrail,
        case watchpoints.severity
            when 'critical' then 5 when 'high' then 4 when 'medium' then 3 when 'low' then 2 when 'info' then 1
        end as severity,
        watchpoints.regulation
    from rehearsed
    inner join watchpoints
        on rehearsed.scenario_id = watchpoints.scenario_id
        and rehearsed.scenario_version = watchpoints.scenario_version
    where watchpoints.kind = 'guardrail'
),

final as (
    select tenant, scenario_id, scenario_version, guardrail, max(severity) as severity, max(regulation) as regulation
    from sources
    group by tenant, scenario_id, scenario_version, guardrail
)

select * from final
