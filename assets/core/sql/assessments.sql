-- One row per session, scorer, rubric version and revision. Revisions count up by when they were scored and then by
-- content, so that an old score that arrives late slots in below.
with

listed as (
    select
        tenant,
        session_id,
        raw_ref,
        len(assessments) = 1 as alone,
        unnest(assessments) as assessment
    from parts
    where len(assessments) > 0
),

sessions as (
    select tenant, session_id, day, learner_key, scenario_rubric_id, scenario_rubric_version from facts
),

named as (
    select
        listed.tenant,
        listed.session_id,
        sessions.day,
        sessions.learner_key,
        coalesce(listed.assessment.rubric_id, sessions.scenario_rubric_id, 'unknown') as rubric_id,
        coalesce(
            listed.assessment.rubric_version,
            case
                when coalesce(listed.assessment.rubric_id, sessions.scenario_rubric_id) = sessions.scenario_rubric_id
                    then sessions.scenario_rubric_version
            end,
            'unknown'
        ) as rubric_version,
        -- A session that names no scorer was scored by its engine: whoever else scores says so.
        coalesce(listed.assessment.scorer.kind, 'engine_llm') as scorer_kind,
        coalesce(listed.assessment.scorer.id, 'unknown') as scorer_id,
        coalesce(listed.assessment.scorer.version, 'unknown') as scorer_version,
        utc(listed.assessment.scored_at) as scored_at,
        listed.assessment.scored_at is null or utc(listed.assessment.scored_at) is not null as scored_at_ok,
        listed.assessment.criteria as criteria,
        listed.raw_ref,
        listed.alone
    from listed
    join sessions using (tenant, session_id)
),

-- Most sessions are scored once, and what is alone is spared the windows.
distinct_scores as (
    select
        *,
        criteria::varchar as content
    from named
    where not alone
    qualify row_number() over (
        partition by
            tenant, session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version, scored_at, content
        order by raw_ref
    ) = 1
),

revised as (
    select
        * exclude (content),
        row_number() over (
            partition by tenant, session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version
            order by scored_at nulls first, content
        )::integer as revision
    from distinct_scores
),

numbered as (
    select
        * exclude (alone),
        1 as revision,
        true as is_latest
    from named
    where alone
    union all by name
    select
        * exclude (alone),
        revision = max(revision) over (
            partition by tenant, session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version
        ) as is_latest
    from revised
),

final as (
    select
        numbered.*,
        rubrics.rubric_id is null as uncatalogued,
        rubrics.overall_minimum,
        rubrics.criteria_count,
        coalesce(reviews.state, 'not_required') as review_state
    from numbered
    left join rubrics using (rubric_id, rubric_version)
    left join reviews
        using (tenant, session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version, revision)
)

select * from final
