-- one row per session and competency under the headline score. A staging table, never published.
-- The mean is plain: weights belong to a rubric's overall score, and a competency may be fed by several rubrics.
with

final as (
    select
        headline.tenant,
        headline.session_id,
        coalesce(criterion_scores.competency, criterion_scores.criterion_id) as competency,
        any_value(headline.day) as day,
        cast(date_trunc('week', any_value(headline.day)) as date) as week,
        any_value(headline.learner_key) as learner_key,
        any_value(headline.region) as region,
        any_value(headline.scenario_id) as scenario_id,
        any_value(headline.started_at) as started_at,
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
    where headline.learner_key is not null
    group by
        headline.tenant, headline.session_id, coalesce(criterion_scores.competency, criterion_scores.criterion_id)
)

select * from final
