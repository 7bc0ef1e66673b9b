-- one row per competency, region, panel and attempt. All comers at attempt 8 are those who stayed; the panels follow
-- the same people through every attempt, so that what rises in them is not the going of the weak.
with

panels as (
    select tenant, region, competency, attempt, 'all_comers' as panel, score from points

    union all

    select tenant, region, competency, attempt, 'panel_5' as panel, score
    from points
    where attempts >= 5 and attempt <= 5

    union all

    select tenant, region, competency, attempt, 'panel_10' as panel, score from points where attempts >= 10
),

cells as (
    select
        tenant,
        case when grouping(region) = 1 then '*' else region end as region,
        competency,
        panel,
        attempt,
        count(*) as n_learners,
        avg(score) as mean,
        stddev_samp(score) as sd
    from panels
    group by tenant, competency, panel, attempt, cube (region)
),

final as (
    select
        tenant,
        region,
        competency,
        panel,
        attempt,
        n_learners,
        mean,
        greatest(mean - quantile * sd / sqrt(n_learners), 0) as lower,
        least(mean + quantile * sd / sqrt(n_learners), 1) as upper,
        sd,
        't' as method,
        case when panel = 'all_comers' then 'learners_change_along_the_curve' else 'same_learners' end as assumptions,
        'descriptive' as label
    from cells
    inner join t_quantiles on t_quantiles.df = cast(least(greatest(n_learners - 1, 1), 1000) as integer)
)

select * from final
