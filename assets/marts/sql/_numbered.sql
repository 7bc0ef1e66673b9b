-- one row per learner, competency and attempt: a learner's scored sessions in order. A passing table of numbers, which
-- sort and group in a third of the time that texts take: `place` and `area` are those of rehearsals, `curve` stands for
-- a learner's competency, `stretch` for what one version (rubric and scorer) scored of it.
-- Attempts are numbered over all time and within the version, since no trend crosses a change of version unproved:
-- `previous` and `pause_days` are null where another version gave the score before.
with

skills as (
    select competency, row_number() over (order by competency) as skill, count(*) over () as skills
    from (select distinct competency from attempts) as known
),

steps as (
    select
        place,
        area,
        skill,
        person * skills + skill as curve,
        (person * skills + skill) * scorers + scorer as stretch,
        epoch_us(rehearsals.started_at) as started_us,
        total / n_scores as score
    from attempts
    inner join rehearsals on attempts.tenant = rehearsals.tenant and attempts.session_id = rehearsals.session_id
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
        lag(started_us) over (partition by curve order by place) as previous_us
    from steps
),

-- weights double every three attempts; capped where a double would overflow. They are summed as the scores are: what
-- a series says they add up to differs in the last figure, and a level of all full scores would lie above 1.
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
        place,
        area,
        competency,
        levelled.curve,
        levelled.stretch,
        score,
        level,
        attempt,
        attempts,
        version_attempt,
        version_attempts,
        case when previous_stretch = levelled.stretch then previous end as previous,
        case when previous_stretch = levelled.stretch then (started_us - previous_us) / 86400000000.0 end as pause_days
    from levelled
    inner join skills on levelled.skill = skills.skill
    inner join curves on levelled.curve = curves.curve
    inner join stretches on levelled.stretch = stretches.stretch
)

select * from final
