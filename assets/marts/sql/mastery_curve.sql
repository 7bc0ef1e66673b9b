-- one row per competency, region, scale and time: the Kaplan-Meier share of learners who reached mastery by then.
-- Whoever is not there yet is censored. A day that has begun counts whole. Greenwood's variance on the log-log scale, so that an interval stays in 0 to 1.
with

waits as (
    select
        tenant,
        coalesce(region, 'unknown') as region,
        competency,
        'attempts' as scale,
        cast(attempts_to_mastery as double) as wait,
        case when censored then 0 else 1 end as reached
    from learner_progress
    where attempts_to_mastery is not null

    union all

    select
        tenant,
        coalesce(region, 'unknown') as region,
        competency,
        'days' as scale,
        ceil(days_to_mastery) as wait,
        case when censored then 0 else 1 end as reached
    from learner_progress
    where days_to_mastery is not null
),

moments as (
    select
        tenant,
        competency,
        scale,
        case when grouping(region) = 1 then '*' else region end as region,
        wait,
        sum(reached) as events,
        count(*) - sum(reached) as losses
    from waits
    group by tenant, competency, scale, wait, cube (region)
),

steps as (
    select
        *,
        sum(events + losses) over whole as n_started,
        sum(events + losses) over rest as at_risk,
        sum(events) over so_far as reached,
        sum(losses) over so_far as censored
    from moments
    window
        whole as (partition by tenant, competency, scale, region),
        rest as (
            partition by tenant, competency, scale, region
            order by wait rows between current row and unbounded following
        ),
        so_far as (
            partition by tenant, competency, scale, region
            order by wait rows between unbounded preceding and current row
        )
),

curve as (
    select
        *,
        -- all who were left reached it: survival is 0 from here on, whose logarithm is none
        max(case when events = at_risk then 1 else 0 end) over so_far as exhausted,
        exp(sum(case when events < at_risk then ln(1 - events / at_risk) else 0 end) over so_far) as survival,
        sum(case when events < at_risk then events / (at_risk * (at_risk - events)) else 0 end) over so_far as greenwood
    from (select tenant, competency, scale, region, wait, cast(events as double) as events, n_started,
        cast(at_risk as double) as at_risk, reached, censored from steps) as doubled
    window so_far as (
        partition by tenant, competency, scale, region
        order by wait rows between unbounded preceding and current row
    )
),

marks as (
    select 'attempts' as scale, unnest(range(1, 21)) as time

    union all

    select 'days' as scale, unnest(range(0, 183, 7)) as time
),

grid as (
    select tenant, competency, scale, region, time
    from (select distinct tenant, competency, scale, region from moments) as curves
    inner join marks using (scale)
),

-- the last step at or before each mark, and how many are still under observation there
placed as (
    select
        grid.tenant,
        grid.competency,
        grid.scale,
        grid.region,
        grid.time,
        max(n_started) as n_started,
        max(n_started) - sum(case when wait < grid.time then events + losses else 0 end) as at_risk,
        sum(case when wait <= grid.time then events else 0 end) as reached,
        sum(case when wait <= grid.time then losses else 0 end) as censored,
        max(case when wait <= grid.time then wait end) as wait
    from grid
    inner join steps
        on grid.tenant = steps.tenant
        and grid.competency = steps.competency
        and grid.scale = steps.scale
        and grid.region = steps.region
    group by grid.tenant, grid.competency, grid.scale, grid.region, grid.time
),

medians as (
    select tenant, competency, scale, region, min(wait) as median
    from curve
    where survival <= 0.5 or exhausted = 1
    group by tenant, competency, scale, region
),

drawn as (
    select
        placed.*,
        case when exhausted = 1 then 0 else coalesce(survival, 1) end as survival,
        coalesce(greenwood, 0) as greenwood,
        median
    from placed
    left join curve
        on placed.tenant = curve.tenant
        and placed.competency = curve.competency
        and placed.scale = curve.scale
        and placed.region = curve.region
        and placed.wait = curve.wait
    left join medians
        on placed.tenant = medians.tenant
        and placed.competency = medians.competency
        and placed.scale = medians.scale
        and placed.region = medians.region
),

final as (
    select
        tenant,
        region,
        competency,
        scale,
        cast(time as integer) as time,
        cast(at_risk as bigint) as n_learners,
        cast(n_started as bigint) as n_started,
        cast(reached as bigint) as reached,
        cast(censored as bigint) as censored,
        1 - survival as mastered_share,
        case
            when survival > 0 and survival < 1
            then 1 - power(survival, exp(-1.959964 * sqrt(greenwood) / ln(survival)))
        end as higher,
        case
            when survival > 0 and survival < 1
            then 1 - power(survival, exp(1.959964 * sqrt(greenwood) / ln(survival)))
        end as deeper,
        median,
        'kaplan_meier' as method,
        'censoring_independent' as assumptions,
        'descriptive' as label
    from drawn
)

select
    tenant,
    region,
    competency,
    scale,
    time,
    n_learners,
    n_started,
    reached,
    censored,
    mastered_share,
    least(higher, deeper) as lower,
    greatest(higher, deeper) as upper,
    median,
    method,
    assumptions,
    label
from final
