-- one row per session and competency under the headline score. Other tables are made of it, and it is published too.
-- The mean is plain: weights belong to a rubric's overall score, and a competency may be fed by several rubrics.
-- What a session says about itself is joined after the sums, since carrying text through a grouping costs most of it.
with

picked as (
    select
        headline.tenant,
        headline.session_id,
        coalesce(criterion_scores.competency, criterion_scores.criterion_id) as competency,
        criterion_scores.scaled
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
),

summed as (
    select
        tenant,
        session_id,
        competency,
        count(*) as n_scores,
        sum(scaled) as total,
        sum(scaled * scaled) as squares
    from picked
    group by tenant, session_id, competency
),

final as (
    select
        summed.tenant,
        summed.session_id,
        competency,
        headline.day,
        cast(date_trunc('week', headline.day) as date) as week,
        headline.learner_key,
        headline.region,
        headline.scenario_id,
        concat(headline.rubric_id, ':', headline.rubric_version, ':', headline.scorer_version) as version,
        headline.started_at,
        n_scores,
        total,
        squares
    from summed
    inner join headline
        on summed.tenant = headline.tenant and summed.session_id = headline.session_id
)

select * from final
