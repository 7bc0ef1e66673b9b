-- one row per session: the score that speaks for it. Other tables are made of it, and it is published too.
-- Latest revisions alone; the engine's scorer before our model before a person, so that a trend compares like with
-- like; a score that a reviewer rejected speaks for nobody.
with

ranked as (
    select
        session_scores.tenant,
        session_scores.session_id,
        session_scores.day,
        session_scores.rubric_id,
        session_scores.rubric_version,
        session_scores.scorer_kind,
        session_scores.scorer_id,
        session_scores.scorer_version,
        session_scores.revision,
        session_scores.passed,
        session_scores.overall,
        cast(len(session_scores.blockers_hit) as integer) as blockers_missed,
        sessions.learner_key,
        coalesce(sessions.region, 'unknown') as region,
        coalesce(sessions.scenario_id, 'unknown') as scenario_id,
        sessions.started_at,
        row_number() over (
            partition by session_scores.tenant, session_scores.session_id
            order by
                case scorer_kind when 'engine_llm' then 0 when 'our_llm' then 1 else 2 end,
                scored_at desc nulls last,
                rubric_version desc,
                scorer_version desc,
                scorer_id desc,
                rubric_id desc
        ) as place
    from session_scores
    inner join sessions
        on session_scores.tenant = sessions.tenant and session_scores.session_id = sessions.session_id
    where session_scores.is_latest and session_scores.review_state <> 'rejected' and not sessions.is_test
),

final as (
    select
        tenant, session_id, day, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version, revision, passed,
        overall, blockers_missed, learner_key, region, scenario_id, started_at
    from ranked
    where place = 1
)

select * from final
