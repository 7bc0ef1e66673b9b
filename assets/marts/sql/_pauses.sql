-- one row per learner, competency and length of pause: how the score after a pause compares with the one before it,
-- both under the same rubric and scorer version. A staging table, never published.
with

paused as (
    select
        tenant,
        learner_key,
        competency,
        region,
        score - previous as change,
        (epoch_us(started_at) - epoch_us(previous_at)) / 86400000000.0 as days
    from numbered
    where previous_at is not null
),

final as (
    select
        paused.tenant,
        paused.learner_key,
        paused.competency,
        max(coalesce(learners.region, paused.region, 'unknown')) as region,
        case
            when days < 8 then '0-7'
            when days < 15 then '8-14'
            when days < 31 then '15-30'
            when days < 61 then '31-60'
            else '61+'
        end as pause,
        count(*) as n,
        sum(change) as total
    from paused
    left join learners on paused.tenant = learners.tenant and paused.learner_key = learners.learner_key
    group by
        paused.tenant,
        paused.learner_key,
        paused.competency,
        case
            when days < 8 then '0-7'
            when days < 15 then '8-14'
            when days < 31 then '15-30'
            when days < 61 then '31-60'
            else '61+'
        end
)

select * from final
