-- One row per learner and competency that reached mastery, at the session in which it did: the same level as in
-- marts/learner_progress, whose attempts it reads.
with

numbered as (
    select
        tenant,
        session_id,
        day,
        learner_key,
        competency,
        total / n_scores as score,
        row_number() over (partition by tenant, learner_key, competency order by started_at, session_id) as attempt
    from attempts
),

-- weights double every three attempts; capped where a double would overflow
levelled as (
    select
        numbered.*,
        sum(score * power(2.0, least(attempt, 3000) / 3.0)) over so_far
        / sum(power(2.0, least(attempt, 3000) / 3.0)) over so_far as level
    from numbered
    window so_far as (
        partition by tenant, learner_key, competency
        order by attempt
        rows between unbounded preceding and current row
    )
),

reached as (
    select
        levelled.*,
        mastery_level,
        row_number() over (partition by tenant, learner_key, levelled.competency order by attempt) as place
    from levelled
    inner join mastery on levelled.competency = mastery.competency
    where attempt >= 2 and level >= mastery_level
),

final as (
    select
        reached.tenant,
        reached.session_id,
        reached.day,
        reached.competency,
        level,
        mastery_level as required,
        reached.attempt as attempts
    from reached
    inner join sessions on reached.tenant = sessions.tenant and reached.session_id = sessions.session_id
    where place = 1 and sessions.attributed and not sessions.is_test and sessions.end_reason is distinct from 'no_show'
)

select * from final
