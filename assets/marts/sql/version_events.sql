-- one row per first use of a rubric, scorer, scenario or policy version: the vertical lines of every trend
with

uses as (
    select session_scores.tenant, 'rubric' as kind, rubric_id as subject, rubric_version as version, session_scores.day
    from session_scores
    inner join sessions
        on session_scores.tenant = sessions.tenant and session_scores.session_id = sessions.session_id
    where not is_test

    union all

    select session_scores.tenant, 'scorer' as kind, scorer_id as subject, scorer_version as version, session_scores.day
    from session_scores
    inner join sessions
        on session_scores.tenant = sessions.tenant and session_scores.session_id = sessions.session_id
    where not is_test and scorer_kind <> 'human'

    union all

    select tenant, 'scenario' as kind, scenario_id as subject, scenario_version as version, day
    from sessions
    where not is_test and scenario_id is not null and scenario_version is not null

    union all

    select tenant, 'policy' as kind, 'policy' as subject, policy_version as version, day
    from sessions
    where not is_test
),

firsts as (
    select tenant, kind, subject, version, min(day) as first_day
    from uses
    group by tenant, kind, subject, version
),

final as (
    select
        tenant,
        kind,
        subject,
        version,
        first_day,
        coalesce(lag(version) over (partition by tenant, kind, subject order by first_day, version), '') as previous
    from firsts
)

select * from final
