-- one row per learner, competency and attempt up to the tenth, with the groups that the learner belongs to. A staging
-- table, never published.
with

firsts as (
    select numbered.curve, strftime(rehearsals.started_at, '%Y-%m') as started
    from numbered
    inner join rehearsals on numbered.place = rehearsals.place
    where numbered.attempt = 1
),

final as (
    select
        rehearsals.tenant,
        rehearsals.learner_key,
        numbered.competency,
        numbered.attempt,
        numbered.attempts,
        coalesce(learners.region, rehearsals.region, 'unknown') as region,
        coalesce(learners.role, 'unknown') as role,
        firsts.started,
        rehearsals.scenario_id,
        numbered.score
    from numbered
    inner join rehearsals on numbered.place = rehearsals.place
    inner join firsts on numbered.curve = firsts.curve
    left join learners
        on rehearsals.tenant = learners.tenant and rehearsals.learner_key = learners.learner_key
    where numbered.attempt <= 10
)

select * from final
