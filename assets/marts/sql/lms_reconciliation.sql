-- one row per grade of an LMS for a scenario, per pass there that has neither grade nor reason, per learner whose scored
-- scenario has none there, per attempt that names a result which was not issued so, and per unmatched person.
-- A score equals another within half a point in a hundred: LMSs round. Test sessions count for nothing. A pass is one
-- that an attempt or a completion of the LMS states; a rubric without a pass rule says nothing about it.
with

marks as (
    select
        outcomes.tenant,
        outcomes.source as connector,
        coalesce(outcomes.reference, outcomes.outcome_id) as record,
        outcomes.learner_key,
        outcomes.kind,
        lms_activities.activity,
        lms_activities.scenario_id,
        cast(outcomes.value as double) / case when outcomes.unit = 'percent' then 100 else 1 end as lms_score,
        outcomes.occurred_at as lms_at,
        coalesce(json_extract_string(outcomes.attributes, '$.overridden') = 'true', false) as overridden,
        coalesce(json_extract_string(outcomes.attributes, '$.passed') = 'true', false)
        or coalesce(json_extract_string(outcomes.attributes, '$.state') = 'complete_pass', false) as passed,
        json_extract_string(outcomes.attributes, '$.result_id') as result_id,
        json_extract_string(outcomes.attributes, '$.signature') as signature
    from outcomes
    inner join lms_activities
        on
            outcomes.tenant = lms_activities.tenant
            and outcomes.source = lms_activities.connector
            and json_extract_string(outcomes.attributes, '$.activity') = lms_activities.activity
),

passes as (
    select
        tenant,
        connector,
        activity,
        learner_key,
        scenario_id,
        arg_min(record, lms_at) as record,
        min(lms_at) as lms_at,
        bool_and(overridden) as overridden
    from marks
    where passed
    group by tenant, connector, activity, learner_key, scenario_id
),

grades as (
    select
        marks.tenant,
        marks.connector,
        marks.record,
        marks.learner_key,
        marks.scenario_id,
        marks.lms_score,
        marks.lms_at,
        marks.overridden or coalesce(passes.overridden, false) as overridden,
        passes.record is not null as lms_passed
    from marks
    left join passes
        on
            marks.tenant = passes.tenant
            and marks.connector = passes.connector
            and marks.activity = passes.activity
            and marks.learner_key = passes.learner_key
    where marks.kind = 'lms_grade' and marks.lms_score is not null
),

-- what a learner can write without a score: a bare pass
ungraded as (
    select
        passes.tenant,
        passes.connector,
        passes.record,
        passes.learner_key,
        passes.scenario_id,
        cast(null as double) as lms_score,
        passes.lms_at,
        passes.overridden,
        true as lms_passed
    from passes
    anti join grades
        on
            passes.tenant = grades.tenant
            and passes.connector = grades.connector
            and passes.learner_key = grades.learner_key
            and passes.scenario_id = grades.scenario_id
),

held as (
    select * from grades
    union all
    select * from ungraded
),

told as (
    select
        sessions.tenant,
        sessions.learner_key,
        sessions.scenario_id,
        sessions.session_id,
        sessions.started_at,
        session_scores.overall,
        session_scores.passed,
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
        bool_or(passed) as ever_passed,
        arg_max(session_id, started_at) as session_id,
        max(started_at) as session_at
    from scored
    group by tenant, learner_key, scenario_id
),

equal as (
    select
        held.tenant,
        held.connector,
        held.record,
        arg_max(scored.session_id, scored.started_at) as session_id,
        max(scored.started_at) as session_at
    from held
    inner join scored
        on
            held.tenant = scored.tenant
            and held.learner_key = scored.learner_key
            and held.scenario_id = scored.scenario_id
            and abs(held.lms_score - scored.overall) <= 0.005
    group by held.tenant, held.connector, held.record
),

compared as (
    select
        held.*,
        ours.our_score,
        ours.best_score,
        held.lms_passed and ours.ever_passed is false as pass_unearned,
        coalesce(equal.session_id, ours.session_id) as session_id,
        coalesce(equal.session_at, ours.session_at) as session_at,
        case
            when ours.session_id is null then 'no_session'
            when equal.session_id is null and held.lms_score is not null then 'differs'
            when held.lms_passed and ours.ever_passed is false then 'differs'
            when equal.session_id = ours.session_id or abs(held.lms_score - ours.best_score) <= 0.005 then 'matched'
            else 'stale'
        end as class
    from held
    left join ours
        on
            held.tenant = ours.tenant
            and held.learner_key = ours.learner_key
            and held.scenario_id = ours.scenario_id
    left join equal
        on
            held.tenant = equal.tenant
            and held.connector = equal.connector
            and held.record = equal.record
    where held.lms_score is not null or ours.session_id is null or ours.ever_passed is false
),

-- one connector may hold a scenario in several activities: any of them will do; nobody is missed in an LMS that has
-- told nothing yet, such as one that is not switched on
connected as (
    select distinct lms_activities.tenant, lms_activities.connector, lms_activities.scenario_id
    from lms_activities
    semi join outcomes
        on lms_activities.tenant = outcomes.tenant and lms_activities.connector = outcomes.source
),

absent as (
    select
        ours.tenant,
        connected.connector,
        concat_ws('/', ours.learner_key, ours.scenario_id) as record,
        ours.learner_key,
        ours.scenario_id,
        cast(null as double) as lms_score,
        cast(null as timestamptz) as lms_at,
        cast(null as boolean) as overridden,
        cast(null as boolean) as lms_passed,
        cast(null as boolean) as pass_unearned,
        ours.our_score,
        ours.best_score,
        ours.session_id,
        ours.session_at,
        'not_in_lms' as class
    from ours
    inner join connected on ours.tenant = connected.tenant and ours.scenario_id = connected.scenario_id
    left join grades
        on
            ours.tenant = grades.tenant
            and connected.connector = grades.connector
            and ours.learner_key = grades.learner_key
            and ours.scenario_id = grades.scenario_id
    where grades.record is null
),

-- our page writes the id of the signed result beside the score: whoever copies one has to keep to what it says
named as (
    select
        marks.tenant,
        marks.connector,
        marks.record,
        marks.learner_key,
        marks.scenario_id,
        marks.lms_score,
        marks.lms_at,
        marks.overridden,
        marks.passed as lms_passed,
        lms_issued.scaled as our_score,
        'unissued' as class,
        case
            when lms_issued.result_id is null then 'its attempt names a result that was never issued'
            when lms_issued.learner_key <> marks.learner_key then 'its attempt names the result of somebody else'
            when lms_issued.scenario_id <> marks.scenario_id then 'its attempt names a result of another scenario'
            when lms_issued.signature is distinct from marks.signature then 'its attempt names a result under another signature'
            when abs(marks.lms_score - lms_issued.scaled) > 0.005 then 'its attempt holds another score than the result it names'
        end as flaw
    from marks
    left join lms_issued
        on marks.tenant = lms_issued.tenant and marks.result_id = lms_issued.result_id
    where marks.result_id is not null and marks.learner_key is not null
),

results as (
    select
        tenant, connector, class, record, learner_key, scenario_id, lms_score, our_score, best_score, session_id, lms_at,
        session_at, overridden, lms_passed, pass_unearned
    from compared
    union all
    select
        tenant, connector, class, record, learner_key, scenario_id, lms_score, our_score, best_score, session_id, lms_at,
        session_at, overridden, lms_passed, pass_unearned
    from absent
    union all by name
    select * from named
    where flaw is not null
),

worded as (
    select
        *,
        cast(null as bigint) as outcomes,
        case
            when class in ('matched', 'stale', 'not_in_lms') then 'low'
            when class = 'unissued' then 'high'
            when overridden then 'medium'
            when class = 'no_session' or pass_unearned or lms_score > best_score then 'high'
            else 'medium'
        end as severity,
        case
            when class = 'matched' then 'the LMS holds the score of the latest or best session'
            when class = 'unissued' then flaw
            when class = 'stale' then 'the LMS holds the score of an earlier session'
            when class = 'not_in_lms' then 'scored here, no grade there yet'
            when class = 'no_session' and lms_score is null then 'passed there without any scored session'
            when class = 'no_session' then 'a grade without any scored session'
            when pass_unearned then 'passed there, and no session passed'
            else 'no session has this score'
        end || case when overridden then '; a person changed it in the LMS' else '' end as reason
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
        session_id, lms_at, session_at, overridden, lms_passed, outcomes, reason
    from worded
    union all by name
    select * from unmatched
)

select * from final
