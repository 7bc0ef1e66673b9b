-- One row per session, scorer, rubric version and revision. The scorer gave points; whether that is a pass is decided
-- here, by the rubric's own rule, and left open where the rubric has none or criteria are missing.
with

scores as (
    select * from good_criterion_scores
),

totalled as (
    select
        tenant,
        session_id,
        rubric_id,
        rubric_version,
        scorer_kind,
        scorer_id,
        scorer_version,
        revision,
        sum(weight * scaled) / sum(weight) as overall,
        list_sort(coalesce(list(criterion_id) filter (where blocker and not met), [])) as blockers_hit,
        bool_and(met) as minima_met,
        count(distinct criterion_id)::integer as criteria_scored
    from scores
    group by all
),

final as (
    select
        assessments.* exclude (criteria, scored_at_ok, overall_minimum, criteria_count),
        totalled.overall,
        case
            when assessments.overall_minimum is not null and totalled.criteria_scored = assessments.criteria_count
                then totalled.overall >= assessments.overall_minimum - 1e-9 and totalled.minima_met
        end as passed,
        totalled.blockers_hit,
        totalled.criteria_scored,
        coalesce(assessments.criteria_count, totalled.criteria_scored)::integer as criteria_expected
    from assessments
    join totalled
        using (
            tenant, session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version, revision
        )
)

select * from final
