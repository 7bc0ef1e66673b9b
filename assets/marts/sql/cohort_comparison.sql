-- one row per competency, region, dimension, cohort and attempt number: groups side by side at the same attempt.
-- At one attempt number each learner counts once, so rows are independent. Scores are held against what the scenarios
-- rehearsed would give on average (expected), since a group that met the harder ones would look worse. Funnel limits
-- show what chance alone allows a group of that size; the shrunk value is the empirical-Bayes one with Morris'
-- correction, and with fewer than four groups there is nothing to shrink by.
with

norms as (
    select tenant, competency, attempt, scenario_id, avg(score) as norm
    from points
    group by tenant, competency, attempt, scenario_id
),

measured as (
    select points.*, norm
    from points
    inner join norms
        on points.tenant = norms.tenant
        and points.competency = norms.competency
        and points.attempt = norms.attempt
        and points.scenario_id = norms.scenario_id
),

cells as (
    select
        tenant,
        case when grouping(region) = 1 then '*' else region end as region,
        'all' as dimension,
        '*' as cohort,
        competency,
        attempt,
        count(*) as n_learners,
        avg(score) as mean,
        avg(norm) as expected,
        stddev_samp(score) as sd,
        stddev_samp(score - norm) as residual_sd
    from measured
    group by tenant, competency, attempt, cube (region)

    union all

    select
        tenant,
        case when grouping(region) = 1 then '*' else region end as region,
        'role' as dimension,
        role as cohort,
        competency,
        attempt,
        count(*) as n_learners,
        avg(score) as mean,
        avg(norm) as expected,
        stddev_samp(score) as sd,
        stddev_samp(score - norm) as residual_sd
    from measured
    group by tenant, competency, attempt, role, cube (region)

    union all

    select
        tenant,
        case when grouping(region) = 1 then '*' else region end as region,
        'started' as dimension,
        started as cohort,
        competency,
        attempt,
        count(*) as n_learners,
        avg(score) as mean,
        avg(norm) as expected,
        stddev_samp(score) as sd,
        stddev_samp(score - norm) as residual_sd
    from measured
    group by tenant, competency, attempt, started, cube (region)
),

totals as (
    select tenant, competency, attempt, mean as overall from cells where dimension = 'all' and region = '*'
),

adjusted as (
    select
        cells.*,
        overall + mean - expected as adjusted,
        residual_sd / sqrt(n_learners) as se,
        case when dimension = 'all' then '*' else cells.region end as parent_region,
        quantile
    from cells
    inner join totals
        on cells.tenant = totals.tenant
        and cells.competency = totals.competency
        and cells.attempt = totals.attempt
    inner join t_quantiles on t_quantiles.df = cast(least(greatest(n_learners - 1, 1), 1000) as integer)
),

parents as (
    select
        tenant,
        region as parent_region,
        competency,
        attempt,
        adjusted as centre,
        residual_sd as pooled_sd
    from adjusted
    where dimension = 'all'
),

-- between-group variance by DerSimonian and Laird, from siblings whose error can be told
weights as (
    select
        tenant,
        parent_region,
        dimension,
        competency,
        attempt,
        count(*) as k,
        sum(1 / (se * se)) as w,
        sum(1 / (se * se) / (se * se)) as w_w,
        sum(adjusted / (se * se)) as w_y,
        sum(adjusted * adjusted / (se * se)) as w_y_y
    from adjusted
    where se > 0 and not (dimension = 'all' and region = '*')
    group by tenant, parent_region, dimension, competency, attempt
),

spread as (
    select
        *,
        case
            when k >= 4 and w - w_w / w > 0
            then greatest((w_y_y - w_y * w_y / w - (k - 1)) / (w - w_w / w), 0)
        end as tau2
    from weights
),

judged as (
    select
        adjusted.*,
        centre,
        pooled_sd / sqrt(n_learners) as funnel_se,
        k,
        case
            when tau2 is null or se is null then 0
            when se = 0 then 0
            else (k - 3.0) / (k - 1.0) * se * se / (se * se + tau2)
        end as pull
    from adjusted
    inner join parents
        on adjusted.tenant = parents.tenant
        and adjusted.parent_region = parents.parent_region
        and adjusted.competency = parents.competency
        and adjusted.attempt = parents.attempt
    left join spread
        on adjusted.tenant = spread.tenant
        and adjusted.parent_region = spread.parent_region
        and adjusted.dimension = spread.dimension
        and adjusted.competency = spread.competency
        and adjusted.attempt = spread.attempt
        and not (adjusted.dimension = 'all' and adjusted.region = '*')
),

shrunken as (
    select
        *,
        adjusted + pull * (centre - adjusted) as shrunk,
        case
            when pull = 0 then quantile * se
            else quantile * sqrt(
                se * se * (1 - (k - 1.0) / k * pull)
                + 2.0 / (k - 3.0) * pull * pull * (adjusted - centre) * (adjusted - centre)
            )
        end as shrunk_half
    from judged
),

final as (
    select
        tenant,
        region,
        dimension,
        cohort,
        competency,
        attempt,
        n_learners,
        mean,
        greatest(mean - quantile * sd / sqrt(n_learners), 0) as lower,
        least(mean + quantile * sd / sqrt(n_learners), 1) as upper,
        sd,
        expected,
        adjusted,
        adjusted - quantile * se as adjusted_lower,
        adjusted + quantile * se as adjusted_upper,
        centre,
        centre - 1.959964 * funnel_se as funnel_lower,
        centre + 1.959964 * funnel_se as funnel_upper,
        centre - 3.090232 * funnel_se as funnel_lower_998,
        centre + 3.090232 * funnel_se as funnel_upper_998,
        case
            when abs(adjusted - centre) > 3.090232 * funnel_se then '998'
            when abs(adjusted - centre) > 1.959964 * funnel_se then '95'
            else 'within'
        end as outside,
        shrunk,
        shrunk - shrunk_half as shrunk_lower,
        shrunk + shrunk_half as shrunk_upper,
        1 - pull as reliability,
        't' as method,
        'one_attempt_per_learner scenario_mix_additive' as assumptions,
        'descriptive' as label
    from shrunken
)

select * from final
