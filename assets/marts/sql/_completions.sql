-- one row per session and objective completed in it. A staging table, never published.
-- What a session says about itself is joined after the sums, since carrying text through a grouping costs most of it.
with

reached as (
    select
        tenant,
        session_id,
        name,
        min(at_s) as at_s,
        max(case when not_found > 0 then 1 else 0 end) as not_found
    from signals
    where kind = 'objective' and state = 'completed'
    group by tenant, session_id, name
),

final as (
    select
        sessions.tenant,
        sessions.day,
        sessions.scenario_id,
        coalesce(sessions.scenario_version, 'unknown') as scenario_version,
        reached.name as objective,
        reached.at_s,
        reached.not_found
    from reached
    inner join sessions on reached.tenant = sessions.tenant and reached.session_id = sessions.session_id
    where not sessions.is_test and sessions.scenario_id is not null and sessions.learner_turns > 0
)

select * from final
