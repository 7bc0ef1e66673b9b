-- one row per learner and competency. First k against last k attempts, never first against best: the best of many
-- noisy attempts rises without any learning. Whoever has not reached mastery is censored, never dropped.
with

stepped as (
    select
        curve,
        numbered.competency,
        place,
        score,
        level,
        attempt,
        attempts,
        mastery_level,
        greatest(least(3, cast(floor(attempts / 2.0) as integer)), 1) as k
    from numbered
    left join mastery on numbered.competency = mastery.competency
),

-- one rehearsal alone proves no mastery
summed as (
    select
        curve,
        any_value(competency) as competency,
        max(attempts) as attempts,
        min(place) as first_place,
        max(place) as last_place,
        avg(case when attempt <= k then score end) as first_mean,
        avg(case when attempt > attempts - k then score end) as last_mean,
        max(k) as k,
        regr_slope(score, attempt) as slope,
        max(case when attempt = attempts then level end) as level,
        max(mastery_level) as mastery_level,
        min(case when attempt >= 2 and level >= mastery_level then attempt end) as mastery_attempt,
        min(case when attempt >= 2 and level >= mastery_level then place end) as mastery_place
    from stepped
    group by curve
),

final as (
    select
        lasts.tenant,
        lasts.learner_key,
        competency,
        coalesce(learners.region, lasts.region) as region,
        attempts,
        firsts.started_at as first_at,
        lasts.started_at as last_at,
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
            then (epoch_us(coalesce(turning.started_at, lasts.started_at)) - epoch_us(firsts.started_at))
                / 86400000000.0
        end as days_to_mastery,
        mastery_attempt is null as censored
    from summed
    inner join rehearsals as firsts on summed.first_place = firsts.place
    inner join rehearsals as lasts on summed.last_place = lasts.place
    left join rehearsals as turning on summed.mastery_place = turning.place
    left join learners
        on lasts.tenant = learners.tenant and lasts.learner_key = learners.learner_key
)

select * from final
