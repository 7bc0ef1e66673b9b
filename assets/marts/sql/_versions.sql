-- one row per UTC day and version in use on it. A staging table, never published.
with

scored as (
    select
        session_scores.tenant, session_scores.day, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version
    from session_scores
    inner join sessions
        on session_scores.tenant = sessions.tenant and session_scores.session_id = sessions.session_id
    where not is_test
),

final as (
    select distinct tenant, day, 'rubric' as kind, rubric_id as subject, rubric_version as version
    from scored

    union

    select distinct tenant, day, 'scorer' as kind, scorer_id as subject, scorer_version as version
    from scored
    where scorer_kind <> 'human'

    union

    select distinct tenant, day, 'scenario' as kind, scenario_id as subject, scenario_version as version
    from sessions
    where not is_test and scenario_id is not null and scenario_version is not null

    union

    select distinct tenant, day, 'policy' as kind, 'policy' as subject, policy_version as version
    from sessions
    where not is_test
)

select * from final
