-- one row per learner, competency and attempt up to the tenth, with the groups that the learner belongs to. A staging
-- table, never published.
with

firsts as (
    select tenant, learner_key, competency, min(started_at) as first_at
    from numbered
    group by tenant, learner_key, competency
),

final as (
    select
        numbered.tenant,
        numbered.learner_key,
        numbered.competency,
        numbered.attempt,
        numbered.attempts,
        coalesce(learners.region, numbered.region, 'unknown') as region,
        coalesce(learners.role, 'unknown') as role,
        strftime(first_at, '%Y-%m') as started,
        numbered.scenario_id,
        numbered.score
    from numbered
    inner join firsts
        on numbered.tenant = firsts.tenant
        and numbered.learner_key = firsts.learner_key
        and numbered.competency = firsts.competency
    left join learners
        on numbered.tenant = learners.tenant and numbered.learner_key = learners.learner_key
    where numbered.attempt <= 10
)

select * from final
