-- one row per region, language and scenario, and their roll-ups: does a group score or pass differently from all
-- others (the rest)? The standardised difference and the ratio of pass shares are against the rest of the same region.
with

-- numbers are grouped and joined faster than keys
people as (
    select tenant, learner_key, row_number() over (order by tenant, learner_key) as person
    from (select distinct tenant, learner_key from speakers) as spoken
),

learner_cells as (
    select
        speakers.tenant,
        case when grouping(region) = 1 then '*' else region end as region,
        case when grouping(language) = 1 then 'all' else 'language' end as dimension,
        case when grouping(language) = 1 then '*' else language end as cohort,
        case when grouping(scenario_id) = 1 then '*' else scenario_id end as scenario_id,
        person,
        sum(cast(sessions as double)) as sessions,
        sum(cast(n as double)) as n,
        coalesce(sum(total), 0) as total,
        coalesce(sum(squares), 0) as squares,
        sum(cast(judged as double)) as judged,
        sum(cast(passed as double)) as passed,
        sum(cast(timed as double)) as timed,
        coalesce(sum(talked), 0) as talked
    from speakers
    inner join people on speakers.tenant = people.tenant and speakers.learner_key = people.learner_key
    group by speakers.tenant, person, cube (region, language, scenario_id)
),

-- each group beside the whole that it is part of: a language beside its region, a region beside all regions
beside as (
    select
        own.*,
        parent.n - own.n as rest_n,
        parent.total - own.total as rest_total,
        parent.n as parent_n,
        parent.total as parent_total
    from learner_cells as own
    inner join learner_cells as parent
        on own.tenant = parent.tenant
        and own.person = parent.person
        and own.scenario_id = parent.scenario_id
        and parent.dimension = 'all'
        and parent.region = case when own.dimension = 'all' then '*' else own.region end
),

cells as (
    select
        tenant,
        region,
        dimension,
        cohort,
        scenario_id,
        case when dimension = 'all' then '*' else region end as parent_region,
        count(*) as n_learners,
        sum(sessions) as sessions,
        sum(n) as n,
        sum(total) as total,
        sum(squares) as squares,
        sum(total * total) as t_t,
        sum(total * n) as t_n,
        sum(n * n) as n_n,
        sum(judged) as judged,
        sum(passed) as passed,
        sum(timed) as timed,
        sum(talked) as talked,
        sum(rest_total * rest_total - parent_total * parent_total) as rest_t_t,
        sum(rest_total * rest_n - parent_total * parent_n) as rest_t_n,
        sum(rest_n * rest_n - parent_n * parent_n) as rest_n_n
    from beside
    group by tenant, region, dimension, cohort, scenario_id
),

compared as (
    select
        own.*,
        parent.n - own.n as others,
        parent.total - own.total as others_total,
        parent.t_t + own.rest_t_t as others_t_t,
        parent.t_n + own.rest_t_n as others_t_n,
        parent.n_n + own.rest_n_n as others_n_n,
        parent.n_learners as parent_learners,
        parent.judged - own.judged as others_judged,
        parent.passed - own.passed as others_passed,
        case
            when parent.n > 1
            then sqrt(greatest((parent.squares - parent.total * parent.total / parent.n) / (parent.n - 1), 0))
        end as parent_sd,
        case when own.n > 0 then own.total / own.n end as mean,
        case when own.judged > 0 then own.passed / own.judged end as share,
        case when own.judged > 0 then 3.841459 / own.judged end as zz
    from cells as own
    inner join cells as parent
        on own.tenant = parent.tenant
        and own.scenario_id = parent.scenario_id
        and own.parent_region = parent.region
        and parent.dimension = 'all'
),

spread as (
    select
        *,
        case
            when n_learners > 1 and n > 0
            then sqrt(greatest(t_t - 2 * mean * t_n + mean * mean * n_n, 0) * n_learners / (n_learners - 1)) / n
        end as se,
        case when others > 0 then others_total / others end as others_mean,
        case
            when others > 0 and parent_learners > 1
            then sqrt(
                greatest(
                    others_t_t - 2 * (others_total / others) * others_t_n
                    + (others_total / others) * (others_total / others) * others_n_n,
                    0
                ) * parent_learners / (parent_learners - 1)
            ) / others
        end as others_se,
        cast(floor(least(greatest(case when n_n > 0 then n * n / n_n - 1 else 1 end, 1), 1000)) as integer) as df
    from compared
),

final as (
    select
        tenant,
        region,
        dimension,
        cohort,
        scenario_id,
        n_learners,
        cast(sessions as bigint) as sessions,
        mean,
        greatest(mean - quantile * se, 0) as lower,
        least(mean + quantile * se, 1) as upper,
        case when parent_sd > 1e-9 then (mean - others_mean) / parent_sd end as smd,
        case
            when parent_sd > 1e-9
            then (mean - others_mean - quantile * sqrt(se * se + others_se * others_se)) / parent_sd
        end as smd_lower,
        case
            when parent_sd > 1e-9
            then (mean - others_mean + quantile * sqrt(se * se + others_se * others_se)) / parent_sd
        end as smd_upper,
        share as pass_share,
        -- a Wilson interval holds its share; at 0 and 1 rounding alone would put it outside
        case
            when share is not null
            then greatest(least((share + zz / 2 - sqrt(zz * (share * (1 - share) + zz / 4))) / (1 + zz), share), 0)
        end as pass_lower,
        case
            when share is not null
            then least(greatest((share + zz / 2 + sqrt(zz * (share * (1 - share) + zz / 4))) / (1 + zz), share), 1)
        end as pass_upper,
        case when others_passed > 0 then share / (others_passed / others_judged) end as pass_ratio,
        case when timed > 0 then talked / timed end as talk_share,
        'cluster_t' as method,
        'groups_comparable_in_skill' as assumptions,
        'association' as label
    from spread
    inner join t_quantiles on spread.df = t_quantiles.df
)

select * from final
