-- one row per week, guardrail, region and scenario, and their roll-ups.
-- The rate's base are sessions in which the guardrail could trigger: those of a scenario version that watches for it
-- or in which it was ever seen. Without that base, a quiet scenario would dilute the rate.
with

talked as (
    select
        tenant,
        session_id,
        cast(date_trunc('week', day) as date) as week,
        coalesce(region, 'unknown') as region,
        coalesce(scenario_id, 'unknown') as scenario_id,
        coalesce(scenario_version, 'unknown') as scenario_version,
        learner_key
    from sessions
    where not is_test and learner_turns > 0
),

exposed as (
    select
        talked.tenant,
        talked.week,
        talked.region,
        talked.scenario_id,
        talked.learner_key,
        watched.guardrail,
        watched.severity,
        watched.regulation,
        triggers.triggers,
        triggers.at_s
    from talked
    inner join watched
        on talked.tenant = watched.tenant
        and talked.scenario_id = watched.scenario_id
        and talked.scenario_version = watched.scenario_version
    left join triggers
        on talked.tenant = triggers.tenant
        and talked.session_id = triggers.session_id
        and watched.guardrail = triggers.guardrail
),

cells as (
    select
        tenant,
        week,
        guardrail,
        case when grouping(region) = 1 then '*' else region end as region,
        case when grouping(scenario_id) = 1 then '*' else scenario_id end as scenario_id,
        max(severity) as severity,
        max(regulation) as regulation,
        count(*) as sessions,
        count(triggers) as triggered,
        sum(coalesce(triggers, 0)) as triggers,
        1.0 * count(triggers) / count(*) as rate,
        3.841459 / count(*) as zz,
        quantile_cont(at_s, 0.5) as seconds_p50
    from exposed
    group by tenant, week, guardrail, cube (region, scenario_id)
),

-- one row per cell and learner is many: they carry nothing but what is counted by learner
learner_cells as (
    select
        tenant,
        week,
        guardrail,
        case when grouping(region) = 1 then '*' else region end as region,
        case when grouping(scenario_id) = 1 then '*' else scenario_id end as scenario_id,
        learner_key,
        count(triggers) as triggered
    from exposed
    where learner_key is not null
    group by tenant, week, guardrail, learner_key, cube (region, scenario_id)
),

people as (
    select
        tenant,
        week,
        guardrail,
        region,
        scenario_id,
        count(*) as n_learners,
        sum(case when triggered > 1 then 1 else 0 end) as repeat_learners
    from learner_cells
    group by tenant, week, guardrail, region, scenario_id
),

final as (
    select
        cells.tenant,
        cells.week,
        cells.guardrail,
        case severity when 5 then 'critical' when 4 then 'high' when 3 then 'medium' when 2 then 'low' when 1 then 'info' end
            as severity,
        regulation,
        cells.region,
        cells.scenario_id,
        coalesce(n_learners, 0) as n_learners,
        sessions,
        triggered,
        triggers,
        coalesce(repeat_learners, 0) as repeat_learners,
        rate,
        -- a Wilson interval holds its share; at 0 and 1 rounding alone would put it outside
        greatest(least((rate + zz / 2 - sqrt(zz * (rate * (1 - rate) + zz / 4))) / (1 + zz), rate), 0) as lower,
        least(greatest((rate + zz / 2 + sqrt(zz * (rate * (1 - rate) + zz / 4))) / (1 + zz), rate), 1) as upper,
        seconds_p50
    from cells
    left join people
        on cells.tenant = people.tenant
        and cells.week = people.week
        and cells.guardrail = people.guardrail
        and cells.region = people.region
        and cells.scenario_id = people.scenario_id
)

select * from final
