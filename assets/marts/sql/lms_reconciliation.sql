-- one row per grade of an LMS for a scenario, per learner whose scored scenario has none there, and per unmatched person.
-- A score equals another within half a point in a hundred: LMSs round. Test sessions count for nothing.
with

grades as (
    select
        outcomes.tenant,
        outcomes.source as connector,
        coalesce(outcomes.reference, outcomes.outcome_id) as record,
        outcomes.learner_key,
        lms_activities.scenario_id,
        cast(outcomes.value as double) / case when outcomes.unit = 'percent' then 100 else 1 end as lms_score,
        outcomes.occurred_at as lms_at,
        coalesce(json_extract_string(outcomes.attributes, '$.overridden') = 'true', false) as overridden
    from outcomes
    inner join lms_activities
        on
            outcomes.tenant = lms_activities.tenant
            and outcomes.source = lms_activities.connector
            and json_extract_string(outcomes.attributes, '$.activity') = lms_activities.activity
    where outcomes.kind = 'lms_grade' and outcomes.value is not null
),

told as (
    select
        sessions.tenant,
        sessions.learner_key,
        sessions.scenario_id,
        sessions.session_id,
        sessions.started_at,
        session_scores.overall,
        row_number() over (
            partition by sessions.tenant, sessions.session_id
            order by
                case session_scores.scorer_kind when 'human' then 0 when 'engine_llm' then 1 else 2 end,
                session_scores.scored_at desc nulls last,
                session_scores.rubric_version desc,
                session_scores.scorer_version desc,
                session_scores.scorer_id desc
        ) as place
    from session_scores
    inner join sessions
        on session_scores.tenant = sessions.tenant and session_scores.session_id = sessions.session_id
    where
        session_scores.is_latest
        and session_scores.review_state not in ('pending', 'rejected')
        and not sessions.is_test
        and sessions.learner_key is not null
        and sessions.scenario_id in (select scenario_id from lms_activities)  -- where no LMS is connected, nothing is ranked
),

scored as (
    select * from told
    where place = 1
),

ours as (
    select
        tenant,
        learner_key,
        scenario_id,
        arg_max(overall, started_at) as our_score,
        max(overall) as best_score,
        arg_max(session_id, started_at) as session_id,
        max(started_at) as session_at
    from scored
    group by tenant, learner_key, scenario_id
),

equal as (
    select
        grades.tenant,
        grades.connector,
        grades.record,
        arg_max(scored.session_id, scored.started_at) as session_id,
        max(scored.started_at) as session_at
    from grades
    inner join scored
        on
            grades.tenant = scored.tenant
            and grades.learner_key = scored.learner_key
            and grades.scenario_id = scored.scenario_id
            and abs(grades.lms_score - scored.overall) <= 0.005
    group by grades.tenant, grades.connector, grades.record
),

compared as (
    select
        grades.*,
        ours.our_score,
        ours.best_score,
        coalesce(equal.session_id, ours.session_id) as session_id,
        coalesce(equal.session_at, ours.session_at) as session_at,
        case
            when ours.session_id is null then 'no_session'
            when equal.session_id is null then 'differs'
            when equal.session_id = ours.session_id or abs(grades.lms_score - ours.best_score) <= 0.005 then 'matched'
            else 'stale'
        end as class
    from grades
    left join ours
        on
            grades.tenant = ours.tenant
            and grades.learner_key = ours.learner_key
            and grades.scenario_id = ours.scenario_id
    left join equal
        on
            grades.tenant = equal.tenant
            and grades.connector = equal.connector
            and grades.record = equal.record
),

-- one connector may hold a scenario in several activities: any of them will do
held as (
    select distinct tenant, connector, scenario_id
    from lms_activities
),

absent as (
    select
        ours.tenant,
        held.connector,
        concat_ws('/', ours.learner_key, ours.scenario_id) as record,
        ours.learner_key,
        ours.scenario_id,
        cast(null as double) as lms_score,
        cast(null as timestamptz) as lms_at,
        cast(null as boolean) as overridden,
        ours.our_score,
        ours.best_score,
        ours.session_id,
        ours.session_at,
        'not_in_lms' as class
    from ours
    inner join held on ours.tenant = held.tenant and ours.scenario_id = held.scenario_id
    left join grades
        on
            ours.tenant = grades.tenant
            and held.connector = grades.connector
            and ours.learner_key = grades.learner_key
            and ours.scenario_id = grades.scenario_id
    where grades.record is null
),

results as (
    select
        tenant, connector, class, record, learner_key, scenario_id, lms_score, our_score, best_score, session_id, lms_at,
        session_at, overridden
    from compared
    union all
    select
        tenant, connector, class, record, learner_key, scenario_id, lms_score, our_score, best_score, session_id, lms_at,
        session_at, overridden
    from absent
),

worded as (
    select
        *,
        cast(null as bigint) as outcomes,
        case
            when class in ('matched', 'stale', 'not_in_lms') then 'low'
            when overridden then 'medium'
            when class = 'no_session' or lms_score > best_score then 'high'
            else 'medium'
        end as severity,
        case class
            when 'matched' then 'the LMS holds the score of the latest or best session'
            when 'stale' then 'the LMS holds the score of an earlier session'
            when 'not_in_lms' then 'scored here, no grade there yet'
            when 'no_session' then 'a grade without any scored session'
            else 'no session has this score'
        end || case when overridden then '; a person changed the grade in the LMS' else '' end as reason
    from results
),

unmatched as (
    select
        tenant,
        connector,
        'unmatched' as class,
        'medium' as severity,
        concat_ws('/', entity, person) as record,
        outcomes,
        'no learner has this account; name it in the learner directory' as reason
    from lms_unmatched
),

final as (
    select
        tenant, connector, class, severity, record, learner_key, scenario_id, lms_score, our_score, best_score,
        session_id, lms_at, session_at, overridden, outcomes, reason
    from worded
    union all by name
    select * from unmatched
)

select * from final
