-- one row per learner, competency and attempt: a learner's scored sessions in order. A staging table, never published.
-- Attempts are numbered over all time and within the version (rubric and scorer) that scored them, since no trend
-- crosses a change of version unproved: `previous` is the score before, where the same version gave it.
-- Windows sort numbers, which takes a third of the time that the texts behind them would; these are joined afterwards.
with

sessions_scored as (
    select
        tenant,
        session_id,
        learner_key,
        version,
        any_value(region) as region,
        any_value(scenario_id) as scenario_id,
        any_value(started_at) as started_at
    from attempts
    group by tenant, session_id, learner_key, version
),

people as (
    select tenant, learner_key, row_number() over (order by tenant, learner_key) as person
    from (select distinct tenant, learner_key from sessions_scored) as known
),

skills as (
    select competency, row_number() over (order by competency) as skill, count(*) over () as skills
    from (select distinct competency from attempts) as known
),

scorers as (
    select version, row_number() over (order by version) as scorer, count(*) over () as scorers
    from (select distinct version from sessions_scored) as known
),

placed as (
    select
        sessions_scored.*,
        person,
        scorer,
        scorers,
        row_number() over (order by started_at, session_id) as place
    from sessions_scored
    inner join people
        on sessions_scored.tenant = people.tenant and sessions_scored.learner_key = people.learner_key
    inner join scorers on sessions_scored.version = scorers.version
),

steps as (
    select
        place,
        skill,
        person * skills + skill as curve,
        (person * skills + skill) * scorers + scorer as stretch,
        placed.started_at,
        total / n_scores as score
    from attempts
    inner join placed on attempts.tenant = placed.tenant and attempts.session_id = placed.session_id
    inner join skills on attempts.competency = skills.competency
),

curves as (
    select curve, count(*) as attempts from steps group by curve
),

stretches as (
    select stretch, count(*) as version_attempts from steps group by stretch
),

ordered as (
    select
        *,
        row_number() over (partition by curve order by place) as attempt,
        row_number() over (partition by stretch order by place) as version_attempt,
        lag(stretch) over (partition by curve order by place) as previous_stretch,
        lag(score) over (partition by curve order by place) as previous,
        lag(started_at) over (partition by curve order by place) as previous_at
    from steps
),

-- weights double every three attempts; capped where a double would overflow
levelled as (
    select
        *,
        sum(score * power(2.0, least(attempt, 3000) / 3.0)) over so_far
        / sum(power(2.0, least(attempt, 3000) / 3.0)) over so_far as level
    from ordered
    window so_far as (partition by curve order by place rows between unbounded preceding and current row)
),

final as (
    select
        placed.tenant,
        placed.learner_key,
        competency,
        placed.region,
        placed.scenario_id,
        placed.version,
        placed.started_at,
        score,
        level,
        attempt,
        attempts,
        version_attempt,
        version_attempts,
        case when previous_stretch = levelled.stretch then previous end as previous,
        case when previous_stretch = levelled.stretch then previous_at end as previous_at
    from levelled
    inner join placed on levelled.place = placed.place
    inner join skills on levelled.skill = skills.skill
    inner join curves on levelled.curve = curves.curve
    inner join stretches on levelled.stretch = stretches.stretch
)

select * from final
