-- one row per scenario, scenario version and objective; an objective that nobody reached has its row too
with

talked as (
    select tenant, session_id, scenario_id, coalesce(scenario_version, 'unknown') as scenario_version, learner_key
    from sessions
    where not is_test and scenario_id is not null and learner_turns > 0
),

reached as (
    select
        tenant,
        scenario_id,
        scenario_version,
        objective,
        count(*) as reached,
        quantile_cont(at_s, 0.5) as seconds_p50,
        avg(not_found) as not_found_share
    from completions
    group by tenant, scenario_id, scenario_version, objective
),

rehearsed as (
    select tenant, scenario_id, scenario_version, count(*) as sessions, count(distinct learner_key) as n_learners
    from talked
    group by tenant, scenario_id, scenario_version
),

objectives as (
    select tenant, scenario_id, scenario_version, objective from reached

    union

    select rehearsed.tenant, rehearsed.scenario_id, rehearsed.scenario_version, name as objective
    from rehearsed
    inner join watchpoints
        on rehearsed.scenario_id = watchpoints.scenario_id
        and rehearsed.scenario_version = watchpoints.scenario_version
    where kind = 'objective'
),

counted as (
    select
        objectives.tenant,
        objectives.scenario_id,
        objectives.scenario_version,
        objectives.objective,
        watchpoints.position,
        n_learners,
        sessions,
        coalesce(reached, 0) as reached,
        1.0 * coalesce(reached, 0) / sessions as share,
        3.841459 / sessions as zz,
        seconds_p50,
        not_found_share
    from objectives
    inner join rehearsed
        on objectives.tenant = rehearsed.tenant
        and objectives.scenario_id = rehearsed.scenario_id
        and objectives.scenario_version = rehearsed.scenario_version
    left join reached
        on objectives.tenant = reached.tenant
        and objectives.scenario_id = reached.scenario_id
        and objectives.scenario_version = reached.scenario_version
        and objectives.objective = reached.objective
    left join watchpoints
        on objectives.scenario_id = watchpoints.scenario_id
        and objectives.scenario_version = watchpoints.scenario_version
        and objectives.objective = watchpoints.name
        and watchpoints.kind = 'objective'
),

final as (
    select
        tenant,
        scenario_id,
        scenario_version,
        objective,
        position,
        n_learners,
        sessions,
        reached,
        share as reached_share,
        -- a Wilson interval holds its share; at 0 and 1 rounding alone would put it outside
        greatest(least((share + zz / 2 - sqrt(zz * (share * (1 - share) + zz / 4))) / (1 + zz), share), 0) as lower,
        least(greatest((share + zz / 2 + sqrt(zz * (share * (1 - share) + zz / 4))) / (1 + zz), share), 1) as upper,
        seconds_p50,
        not_found_share
    from counted
)

select * from final
