-- one row per week, competency, region and scenario, and their roll-ups.
-- Scores of one learner resemble each other, so the variance of the mean is that of learner totals (cluster-robust,
-- G/(G-1)), and the t quantile takes the effective number of learners, which unequal numbers of attempts lower.
with

learner_cells as (
    select
        tenant,
        week,
        competency,
        case when grouping(region) = 1 then '*' else region end as region,
        case when grouping(scenario_id) = 1 then '*' else scenario_id end as scenario_id,
        learner_key,
        sum(n_scores) as n,
        sum(total) as total,
        sum(squares) as squares
    from attempts
    group by tenant, week, competency, learner_key, cube (region, scenario_id)
),

cells as (
    select
        tenant,
        week,
        competency,
        region,
        scenario_id,
        count(*) as n_learners,
        sum(n) as n_scores,
        sum(total) / sum(n) as mean,
        sum(squares) as squares,
        sum(total * total) as total_total,
        sum(total * n) as total_n,
        sum(n * n) as n_n
    from learner_cells
    group by tenant, week, competency, region, scenario_id
),

spread as (
    select
        *,
        case
            when n_scores > 1
            then sqrt(greatest((squares - n_scores * mean * mean) / (n_scores - 1), 0))
        end as sd,
        case
            when n_learners > 1
            then sqrt(
                greatest(total_total - 2 * mean * total_n + mean * mean * n_n, 0)
                * n_learners / (n_learners - 1)
            ) / n_scores
        end as se,
        cast(floor(least(greatest(1.0 * n_scores * n_scores / n_n - 1, 1), 1000)) as integer) as df
    from cells
),

final as (
    select
        tenant,
        week,
        competency,
        region,
        scenario_id,
        n_learners,
        n_scores,
        mean,
        greatest(mean - quantile * se, 0) as lower,
        least(mean + quantile * se, 1) as upper,
        sd,
        'cluster_t' as method
    from spread
    inner join t_quantiles on spread.df = t_quantiles.df
)

select * from final
