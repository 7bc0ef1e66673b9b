-- One row per session of a learner in a scenario, with the score that is told, newest session first.
-- The same rule as the statements': a person's score before software's, no score that waits for its review or was
-- rejected in one. `pending` says that only such a score exists.
with

practised as (
    select tenant, session_id, scenario_version, started_at, ended_at, duration_s, end_reason, completeness
    from sessions
    where tenant = $tenant and learner_key = $learner and scenario_id = $scenario and not is_test
),

scored as (
    select session_scores.*
    from session_scores
    semi join practised using (tenant, session_id)
    where is_latest and list_contains($rubrics, rubric_id)
),

told as (
    select
        *,
        row_number() over (
            partition by session_id
            order by
                case scorer_kind when 'human' then 0 when 'engine_llm' then 1 else 2 end,
                scored_at desc nulls last,
                rubric_version desc,
                scorer_version desc,
                scorer_id desc
        ) as place
    from scored
    where review_state not in ('pending', 'rejected')
),

waiting as (
    select distinct session_id
    from scored
    where review_state = 'pending'
),

final as (
    select
        practised.session_id,
        practised.scenario_version,
        practised.started_at,
        practised.duration_s,
        practised.end_reason,
        practised.completeness,
        told.rubric_id,
        told.rubric_version,
        told.scorer_kind,
        told.scorer_id,
        told.scorer_version,
        told.revision,
        told.overall,
        told.passed,
        coalesce(told.scored_at, practised.ended_at, practised.started_at) as scored_at,
        waiting.session_id is not null as pending
    from practised
    left join told on practised.session_id = told.session_id and told.place = 1
    left join waiting on practised.session_id = waiting.session_id
    order by practised.started_at desc, practised.session_id
)

select * from final
