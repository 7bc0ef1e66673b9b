-- One row per learner: what they last practised and passed, from the published tables. Test sessions count for nothing.
with

scored as (
    select
        sessions.tenant,
        sessions.learner_key,
        sessions.session_id,
        sessions.started_at,
        session_scores.rubric_id,
        session_scores.rubric_version,
        session_scores.passed
    from session_scores
    inner join sessions
        on session_scores.tenant = sessions.tenant and session_scores.session_id = sessions.session_id
    where sessions.learner_key is not null and not sessions.is_test
),

latest as (
    select
        learner_key,
        max(started_at) as practised_at,
        arg_max(session_id, started_at) as session_id,
        arg_max(rubric_id, started_at) as rubric_id,
        arg_max(rubric_version, started_at) as rubric_version,
        max(case when passed then started_at end) as certified_at,
        arg_max(rubric_id, case when passed then started_at end) as certified_rubric,
        arg_max(rubric_version, case when passed then started_at end) as certified_version
    from scored
    group by learner_key
),

-- a level that two rehearsals back is the least that says anything about readiness
judged as (
    select
        learner_progress.learner_key,
        learner_progress.competency,
        learner_progress.attempts,
        learner_progress.last_at,
        case when learner_progress.attempts >= 2 then round(100 * learner_progress.level, 1) end as readiness,
        case
            when learner_progress.attempts >= 2 and mastery.mastery is not null
                then learner_progress.level >= mastery.mastery
        end as ready
    from learner_progress
    left join mastery on learner_progress.competency = mastery.competency
),

due as (
    select
        learner_key,
        min(
            cast(last_at as date) + cast(case when ready then $review_days else $practice_days end as integer)
        ) as next_practice_due,
        map_from_entries(list((competency, struct_pack(readiness := readiness, ready := ready, attempts := attempts))))
            as competencies
    from judged
    group by learner_key
),

final as (
    select
        latest.learner_key,
        cast(latest.practised_at as date) as last_practised_on,
        cast(latest.certified_at as date) as last_certified_on,
        latest.certified_rubric || ' v' || latest.certified_version as last_certification,
        due.next_practice_due,
        concat_ws(
            ', ',
            'session ' || latest.session_id,
            'rubric ' || latest.rubric_id || ' v' || latest.rubric_version,
            cast(cast(latest.practised_at as date) as varchar)
        ) as provenance,
        due.competencies
    from latest
    left join due on latest.learner_key = due.learner_key
)

select * from final
