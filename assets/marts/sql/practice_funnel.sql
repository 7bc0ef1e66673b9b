-- one row per week, region, scenario and assignment, and their roll-ups.
-- A launch that no session followed counts in the week it was registered; a session no launch foresaw counts as
-- launched, so that no later step can exceed an earlier one. Hanging up is how most people end a call: whoever left
-- after enough talk to be scored has completed the session.
with

orphans as (
    select launches.*
    from launches
    left join known_sessions
        on launches.tenant = known_sessions.tenant and launches.session_id = known_sessions.session_id
    where known_sessions.session_id is null
),

practice as (
    select
        sessions.tenant,
        cast(date_trunc('week', sessions.day) as date) as week,
        coalesce(sessions.region, 'unknown') as region,
        coalesce(sessions.scenario_id, 'unknown') as scenario_id,
        case assigned when true then 'assigned' when false then 'free' else 'unknown' end as assigned,
        sessions.learner_key,
        case when coalesce(end_reason, '') <> 'no_show' then 1 else 0 end as joined,
        case when learner_turns > 0 then 1 else 0 end as talked,
        case
            when end_reason in ('completed', 'time_limit') or headline.session_id is not null then 1 else 0
        end as completed,
        case when headline.session_id is not null then 1 else 0 end as scored,
        case when headline.passed is not null then 1 else 0 end as judged,
        case when headline.passed then 1 else 0 end as passed,
        coalesce(duration_s, 0) as duration_s
    from sessions
    left join headline
        on sessions.tenant = headline.tenant and sessions.session_id = headline.session_id
    where not is_test

    union all

    select
        tenant,
        cast(date_trunc('week', cast(launched_at as date)) as date) as week,
        coalesce(region, 'unknown') as region,
        coalesce(scenario_id, 'unknown') as scenario_id,
        case assigned when true then 'assigned' when false then 'free' else 'unknown' end as assigned,
        learner_key,
        0 as joined,
        0 as talked,
        0 as completed,
        0 as scored,
        0 as judged,
        0 as passed,
        0 as duration_s
    from orphans
),

final as (
    select
        tenant,
        week,
        case when grouping(region) = 1 then '*' else region end as region,
        case when grouping(scenario_id) = 1 then '*' else scenario_id end as scenario_id,
        case when grouping(assigned) = 1 then '*' else assigned end as assigned,
        count(distinct learner_key) as n_learners,
        count(*) as launched,
        sum(joined) as joined,
        sum(talked) as talked,
        sum(completed) as completed,
        sum(scored) as scored,
        sum(judged) as judged,
        sum(passed) as passed,
        sum(duration_s) / 3600.0 as practice_hours
    from practice
    group by tenant, week, cube (region, scenario_id, assigned)
)

select * from final
