-- one row per scenario, rubric version, scorer kind and learner: scored sessions. A staging table, never published.
with

final as (
    select
        session_scores.tenant,
        sessions.scenario_id,
        session_scores.rubric_id,
        session_scores.rubric_version,
        session_scores.scorer_kind,
        sessions.learner_key,
        count(*) as sessions
    from session_scores
    inner join sessions
        on session_scores.tenant = sessions.tenant and session_scores.session_id = sessions.session_id
    where
        is_latest and review_state <> 'rejected' and not is_test
        and sessions.scenario_id is not null and sessions.learner_key is not null
    group by
        session_scores.tenant,
        sessions.scenario_id,
        session_scores.rubric_id,
        session_scores.rubric_version,
        session_scores.scorer_kind,
        sessions.learner_key
)

select * from final
