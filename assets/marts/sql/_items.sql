-- one row per scenario, rubric version, scorer kind, criterion and learner: the sums that item statistics need.
-- Every scorer kind has its own row; revisions count once. A staging table, never published.
with

scores as (
    select
        criterion_scores.*,
        sessions.scenario_id,
        sessions.learner_key as learner
    from criterion_scores
    inner join sessions
        on criterion_scores.tenant = sessions.tenant and criterion_scores.session_id = sessions.session_id
    where
        is_latest and review_state <> 'rejected' and not is_test
        and sessions.scenario_id is not null and sessions.learner_key is not null
),

scored_sessions as (
    select
        tenant, session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version,
        sum(scaled) as total,
        count(*) as criteria
    from scores
    group by tenant, session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version
),

-- the correlation is with the other criteria: with itself included, every item would seem to discriminate
items as (
    select
        scores.tenant,
        scores.scenario_id,
        scores.rubric_id,
        scores.rubric_version,
        scores.scorer_kind,
        scores.criterion_id,
        scores.learner,
        scores.competency,
        scores.blocker,
        scores.met,
        scores.scaled,
        case when criteria > 1 then (total - scaled) / (criteria - 1) end as others
    from scores
    inner join scored_sessions
        on scores.tenant = scored_sessions.tenant
        and scores.session_id = scored_sessions.session_id
        and scores.rubric_id = scored_sessions.rubric_id
        and scores.rubric_version = scored_sessions.rubric_version
        and scores.scorer_kind = scored_sessions.scorer_kind
        and scores.scorer_id = scored_sessions.scorer_id
        and scores.scorer_version = scored_sessions.scorer_version
),

final as (
    select
        tenant,
        scenario_id,
        rubric_id,
        rubric_version,
        scorer_kind,
        criterion_id,
        learner as learner_key,
        any_value(competency) as competency,
        max(case when blocker then 1 else 0 end) as blocker,
        count(*) as n,
        sum(scaled) as total,
        sum(scaled * scaled) as squares,
        count(others) as pairs,
        sum(others) as others,
        sum(others * others) as others_squares,
        sum(scaled * others) as products,
        sum(case when others is not null then scaled end) as paired,
        sum(case when others is not null then scaled * scaled end) as paired_squares,
        sum(case when scaled <= 0 then 1 else 0 end) as at_floor,
        sum(case when scaled >= 1 then 1 else 0 end) as at_ceiling,
        sum(case when blocker and not met then 1 else 0 end) as blocked
    from items
    group by tenant, scenario_id, rubric_id, rubric_version, scorer_kind, criterion_id, learner
)

select * from final
