-- One row per learner and scenario: the score that an LMS is told, of the latest session or of the best ($best).
-- A person's score before software's; none that waits for its review or was rejected in one; test sessions never.
with

practised as (
    select tenant, session_id, learner_key, scenario_id, started_at, ended_at
    from sessions
    where learner_key is not null and scenario_id is not null and not is_test
),

told as (
    select
        practised.*,
        session_scores.overall,
        session_scores.passed,
        coalesce(session_scores.scored_at, practised.ended_at, practised.started_at) as scored_at,
        row_number() over (
            partition by practised.tenant, practised.session_id
            order by
                case session_scores.scorer_kind when 'human' then 0 when 'engine_llm' then 1 else 2 end,
                session_scores.scored_at desc nulls last,
                session_scores.rubric_version desc,
                session_scores.scorer_version desc,
                session_scores.scorer_id desc
        ) as place
    from practised
    inner join session_scores
        on practised.tenant = session_scores.tenant and practised.session_id = session_scores.session_id
    left join rubrics
        on practised.scenario_id = rubrics.scenario_id and session_scores.rubric_id = rubrics.rubric_id
    where
        session_scores.is_latest
        and session_scores.review_state not in ('pending', 'rejected')
        -- the scenario's own rubric counts; a scenario that the catalog lacks has whatever it was scored by
        and (
            rubrics.rubric_id is not null
            or practised.scenario_id not in (select scenario_id from rubrics)
        )
),

ranked as (
    select
        *,
        row_number() over (
            partition by tenant, learner_key, scenario_id
            order by
                case when $best and passed then 0 else 1 end,
                case when $best then overall end desc nulls last,
                started_at desc,
                session_id
        ) as rank
    from told
    where place = 1
),

final as (
    select learner_key, scenario_id, session_id, overall, passed, scored_at
    from ranked
    where rank = 1
)

select * from final
