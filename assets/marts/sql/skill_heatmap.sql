-- one row per competency, region, dimension and cohort: where people stand now, one level a learner
with

people as (
    select
        learner_progress.tenant,
        coalesce(learner_progress.region, 'unknown') as region,
        coalesce(role, 'unknown') as role,
        strftime(first_at, '%Y-%m') as started,
        competency,
        level,
        attempts,
        case when mastered then 1 else 0 end as mastered
    from learner_progress
    left join learners
        on learner_progress.tenant = learners.tenant and learner_progress.learner_key = learners.learner_key
),

grouped as (
    select tenant, region, 'all' as dimension, '*' as cohort, competency, level, attempts, mastered from people

    union all

    select tenant, region, 'role' as dimension, role as cohort, competency, level, attempts, mastered from people

    union all

    select tenant, region, 'started' as dimension, started as cohort, competency, level, attempts, mastered from people
),

cells as (
    select
        tenant,
        case when grouping(region) = 1 then '*' else region end as region,
        dimension,
        cohort,
        competency,
        count(*) as n_learners,
        avg(level) as level,
        stddev_samp(level) as sd,
        sum(mastered) as mastered,
        avg(mastered) as share,
        3.841459 / count(*) as zz,
        quantile_cont(attempts, 0.5) as attempts_p50
    from grouped
    group by tenant, dimension, cohort, competency, cube (region)
),

final as (
    select
        tenant,
        region,
        dimension,
        cohort,
        competency,
        n_learners,
        level,
        greatest(level - quantile * sd / sqrt(n_learners), 0) as lower,
        least(level + quantile * sd / sqrt(n_learners), 1) as upper,
        sd,
        mastered,
        share as mastered_share,
        -- a Wilson interval holds its share; at 0 and 1 rounding alone would put it outside
        greatest(least((share + zz / 2 - sqrt(zz * (share * (1 - share) + zz / 4))) / (1 + zz), share), 0)
            as mastered_lower,
        least(greatest((share + zz / 2 + sqrt(zz * (share * (1 - share) + zz / 4))) / (1 + zz), share), 1)
            as mastered_upper,
        attempts_p50,
        't' as method,
        'independent_learners recency_weighted' as assumptions,
        'descriptive' as label
    from cells
    inner join t_quantiles on t_quantiles.df = cast(least(greatest(n_learners - 1, 1), 1000) as integer)
)

select * from final
