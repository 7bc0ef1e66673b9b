-- one row per learner, competency and attempt: a learner's scored sessions in order. A staging table, never published.
-- Attempts are numbered over all time and within the version (rubric and scorer) that scored them, since no trend
-- crosses a change of version unproved.
with

final as (
    select
        tenant,
        learner_key,
        competency,
        region,
        scenario_id,
        version,
        started_at,
        total / n_scores as score,
        row_number() over learner as attempt,
        count(*) over (partition by tenant, learner_key, competency) as attempts,
        row_number() over one_version as version_attempt,
        count(*) over (partition by tenant, learner_key, competency, version) as version_attempts,
        lag(total / n_scores) over learner as previous,
        lag(version) over learner as previous_version,
        lag(started_at) over learner as previous_at
    from attempts
    window
        learner as (partition by tenant, learner_key, competency order by started_at, session_id),
        one_version as (partition by tenant, learner_key, competency, version order by started_at, session_id)
)

select * from final
