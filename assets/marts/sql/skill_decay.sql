-- one row per competency, region and length of pause: what a pause does to the score that follows it.
-- Changes of one learner resemble each other, so the interval is clustered by learner.
with

learner_cells as (
    select
        tenant,
        competency,
        pause,
        case when grouping(region) = 1 then '*' else region end as region,
        learner_key,
        sum(n) as n,
        sum(total) as total
    from pauses
    group by tenant, competency, pause, learner_key, cube (region)
),

cells as (
    select
        tenant,
        competency,
        pause,
        region,
        count(*) as n_learners,
        sum(n) as n_pauses,
        sum(total) / sum(n) as change,
        sum(total * total) as total_total,
        sum(total * n) as total_n,
        sum(n * n) as n_n
    from learner_cells
    group by tenant, competency, pause, region
),

spread as (
    select
        *,
        case
            when n_learners > 1
            then sqrt(
                greatest(total_total - 2 * change * total_n + change * change * n_n, 0)
                * n_learners / (n_learners - 1)
            ) / n_pauses
        end as se,
        cast(floor(least(greatest(1.0 * n_pauses * n_pauses / n_n - 1, 1), 1000)) as integer) as df
    from cells
),

final as (
    select
        tenant,
        region,
        competency,
        pause,
        n_learners,
        cast(n_pauses as bigint) as n_pauses,
        change,
        change - quantile * se as lower,
        change + quantile * se as upper,
        'cluster_t' as method,
        'pauses_not_chosen_by_skill same_version' as assumptions,
        'association' as label
    from spread
    inner join t_quantiles on spread.df = t_quantiles.df
)

select * from final
