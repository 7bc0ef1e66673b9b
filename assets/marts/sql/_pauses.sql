-- one row per learner, competency and length of pause: how the score after a pause compares with the one before it,
-- both under the same rubric and scorer version. A staging table, never published.
with

paused as (
    select
        curve,
        case
            when pause_days < 8 then '0-7'
            when pause_days < 15 then '8-14'
            when pause_days < 31 then '15-30'
            when pause_days < 61 then '31-60'
            else '61+'
        end as pause,
        any_value(competency) as competency,
        any_value(place) as place,
        max(area) as area,
        count(*) as n,
        sum(score - previous) as total
    from numbered
    where pause_days is not null
    group by
        curve,
        case
            when pause_days < 8 then '0-7'
            when pause_days < 15 then '8-14'
            when pause_days < 31 then '15-30'
            when pause_days < 61 then '31-60'
            else '61+'
        end
),

areas as (
    select distinct area, region from rehearsals
),

final as (
    select
        rehearsals.tenant,
        rehearsals.learner_key,
        competency,
        coalesce(learners.region, areas.region, 'unknown') as region,
        pause,
        n,
        total
    from paused
    inner join rehearsals on paused.place = rehearsals.place
    inner join areas on paused.area = areas.area
    left join learners on rehearsals.tenant = learners.tenant and rehearsals.learner_key = learners.learner_key
)

select * from final
