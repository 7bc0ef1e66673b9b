-- one row per week, region and scenario, and their roll-ups; sessions without turn timing have no pace to show
with

timed as (
    select
        tenant,
        cast(date_trunc('week', day) as date) as week,
        coalesce(region, 'unknown') as region,
        coalesce(scenario_id, 'unknown') as scenario_id,
        learner_key,
        talk_share,
        response_gap_p50_s,
        interruptions_by_learner,
        interruptions_by_counterpart,
        longest_monologue_s
    from sessions
    where not is_test and talk_share is not null
),

final as (
    select
        tenant,
        week,
        case when grouping(region) = 1 then '*' else region end as region,
        case when grouping(scenario_id) = 1 then '*' else scenario_id end as scenario_id,
        count(distinct learner_key) as n_learners,
        count(*) as sessions,
        quantile_cont(talk_share, 0.25) as talk_share_p25,
        quantile_cont(talk_share, 0.5) as talk_share_p50,
        quantile_cont(talk_share, 0.75) as talk_share_p75,
        quantile_cont(response_gap_p50_s, 0.5) as response_gap_p50_s,
        quantile_cont(response_gap_p50_s, 0.95) as response_gap_p95_s,
        avg(interruptions_by_learner) as interruptions_per_session,
        avg(interruptions_by_counterpart) as interrupted_per_session,
        quantile_cont(longest_monologue_s, 0.5) as longest_monologue_p50_s
    from timed
    group by tenant, week, cube (region, scenario_id)
)

select * from final
