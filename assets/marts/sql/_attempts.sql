-- one row per session and competency under the headline score. A staging table, never published.
-- The mean is plain: weights belong to a rubric's overall score, and a competency may be fed by several rubrics.
with

final as (
    select
        headline.tenant,
        headline.session_id,
        headline.day,
        cast(date_trunc('week', headline.day) as date) as week,
        sessions.learner_key,
        coalesce(sessions.region, 'unknown') as region,
        coalesce(sessions.scenario_id, 'unknown') as scenario_id,
        sessions.started_at,
        coalesce(criterion_scores.competency, criterion_scores.criterion_id) as competency,
        count(*) as n_scores,
        sum(criterion_scores.scaled) as total,
        sum(criterion_scores.scaled * criterion_scores.scaled) as squares
    from criterion_scores
    inner join headline
        on criterion_scores.tenant = headline.tenant
        and criterion_scores.session_id = headline.session_id
        and criterion_scores.rubric_id = headline.rubric_id
        and criterion_scores.rubric_version = headline.rubric_version
        and criterion_scores.scorer_kind = headline.scorer_kind
        and criterion_scores.scorer_id = headline.scorer_id
        and criterion_scores.scorer_version = headline.scorer_version
        and criterion_scores.revision = headline.revision
    inner join sessions
        on headline.tenant = sessions.tenant and headline.session_id = sessions.session_id
    where sessions.learner_key is not null
    group by
        headline.tenant,
        headline.session_id,
        headline.day,
        sessions.learner_key,
        coalesce(sessions.region, 'unknown'),
        coalesce(sessions.scenario_id, 'unknown'),
        sessions.started_at,
        coalesce(criterion_scores.competency, criterion_scores.criterion_id)
)

select * from final
