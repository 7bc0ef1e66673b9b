-- one row per learner and competency. First k against last k attempts, never first against best: the best of many
-- noisy attempts rises without any learning. Whoever has not reached mastery is censored, never dropped.
with

-- `level` weighs recent attempts more, see the staging table
levelled as (
    select
        numbered.*,
        mastery_level,
        greatest(least(3, cast(floor(attempts / 2.0) as integer)), 1) as k
    from numbered
    left join mastery on numbered.competency = mastery.competency
),

-- one rehearsal alone proves no mastery
summed as (
    select
        tenant,
        learner_key,
        competency,
        max(case when attempt = attempts then levelled.region end) as region,
        max(attempts) as attempts,
        min(started_at) as first_at,
        max(started_at) as last_at,
        avg(case when attempt <= k then score end) as first_mean,
        avg(case when attempt > attempts - k then score end) as last_mean,
        max(k) as k,
        regr_slope(score, attempt) as slope,
        max(case when attempt = attempts then level end) as level,
        max(mastery_level) as mastery_level,
        min(case when attempt >= 2 and level >= mastery_level then attempt end) as mastery_attempt,
        min(case when attempt >= 2 and level >= mastery_level then started_at end) as mastery_at
    from levelled
    group by tenant, learner_key, competency
),

final as (
    select
        summed.tenant,
        summed.learner_key,
        summed.competency,
        coalesce(learners.region, summed.region) as region,
        attempts,
        first_at,
        last_at,
        first_mean,
        last_mean,
        k,
        case when attempts >= 2 then last_mean - first_mean end as gain,
        case when attempts >= 3 then slope end as slope,
        level,
        mastery_attempt is not null as mastered,
        case when mastery_level is not null then coalesce(mastery_attempt, attempts) end as attempts_to_mastery,
        case
            when mastery_level is not null
            then (epoch_us(coalesce(mastery_at, last_at)) - epoch_us(first_at)) / 86400000000.0
        end as days_to_mastery,
        mastery_attempt is null as censored
    from summed
    left join learners
        on summed.tenant = learners.tenant and summed.learner_key = learners.learner_key
)

select * from final
