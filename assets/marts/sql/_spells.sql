-- one row per learner, competency and version: the sums from which growth is estimated. A staging table, never
-- published. `x` is the attempt number less one; the first and last k attempts never overlap.
with

stepped as (
    select
        place,
        area,
        competency,
        stretch,
        attempt - 1 as x,
        score,
        version_attempt,
        version_attempts,
        greatest(least(3, cast(floor(version_attempts / 2.0) as integer)), 1) as k
    from numbered
),

summed as (
    select
        stretch,
        any_value(place) as place,
        any_value(competency) as competency,
        max(area) as area,
        count(*) as n,
        sum(x) as x,
        sum(x * x) as xx,
        sum(score) as y,
        sum(x * score) as xy,
        sum(score * score) as yy,
        max(k) as k,
        avg(case when version_attempt <= k then score end) as first_mean,
        avg(case when version_attempt > version_attempts - k then score end) as last_mean,
        max(score) as best,
        max(case when version_attempt = 1 then score end) as first_score
    from stepped
    group by stretch
),

areas as (
    select distinct area, region from rehearsals
),

final as (
    select
        rehearsals.tenant,
        rehearsals.learner_key,
        competency,
        rehearsals.version,
        coalesce(learners.region, areas.region, 'unknown') as region,
        n,
        x,
        xx,
        y,
        xy,
        yy,
        k,
        first_mean,
        last_mean,
        best,
        first_score
    from summed
    inner join rehearsals on summed.place = rehearsals.place
    inner join areas on summed.area = areas.area
    left join learners on rehearsals.tenant = learners.tenant and rehearsals.learner_key = learners.learner_key
)

select * from final
