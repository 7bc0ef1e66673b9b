-- one row per learner, competency and version: the sums from which growth is estimated. A staging table, never
-- published. `x` is the attempt number less one; the first and last k attempts never overlap.
with

stepped as (
    select
        tenant,
        learner_key,
        competency,
        region,
        version,
        attempt - 1 as x,
        score,
        version_attempt,
        version_attempts,
        greatest(least(3, cast(floor(version_attempts / 2.0) as integer)), 1) as k
    from numbered
),

final as (
    select
        stepped.tenant,
        stepped.learner_key,
        stepped.competency,
        stepped.version,
        max(coalesce(learners.region, stepped.region, 'unknown')) as region,
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
    left join learners on stepped.tenant = learners.tenant and stepped.learner_key = learners.learner_key
    group by stepped.tenant, stepped.learner_key, stepped.competency, stepped.version
)

select * from final
