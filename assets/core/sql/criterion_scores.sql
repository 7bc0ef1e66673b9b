-- One row per session, scorer, rubric version, revision and criterion, on the criterion's own scale and on 0 to 1.
with

-- Before the list is taken apart: in the same SELECT it would be looked at once a criterion.
looked_at as (
    select
        *,
        case
            when list_unique(list_transform(criteria, lambda each: each.criterion_id)) < len(criteria) then criteria
        end as repeating
    from assessments
),

scored as (
    select
        * exclude (criteria),
        unnest(criteria) as criterion
    from looked_at
),

scaled as (
    select
        scored.*,
        scored.uncatalogued and coalesce(scored.criterion.criterion_id, '') <> '' or criteria.criterion_id is not null
            as criterion_known,
        scored.repeating is null
        or len(
            list_filter(scored.repeating, lambda each: each.criterion_id is not distinct from scored.criterion.criterion_id)
        ) = 1 as criterion_once,
        criteria.competency as catalog_competency,
        case when scored.uncatalogued then coalesce(scored.criterion.min, 0) else criteria.score_min end as score_min,
        case
            when scored.uncatalogued then coalesce(scored.criterion.max, scales.largest)
            else criteria.score_max
        end as score_max,
        coalesce(criteria.weight, 1) as weight,
        coalesce(criteria.blocker, false) as blocker,
        criteria.minimum as minimum
    from scored
    left join criteria
        on criteria.rubric_id = scored.rubric_id
        and criteria.rubric_version = scored.rubric_version
        and criteria.criterion_id = scored.criterion.criterion_id
    left join scales
        on scored.uncatalogued
        and scales.tenant = scored.tenant
        and scales.rubric_id = scored.rubric_id
        and scales.rubric_version = scored.rubric_version
        and scales.criterion_id = scored.criterion.criterion_id
),

final as (
    select
        * exclude (criterion, repeating, catalog_competency, minimum),
        criterion.criterion_id as criterion_id,
        coalesce(catalog_competency, case when uncatalogued then criterion.criterion_id end) as competency,
        criterion.score as score,
        (criterion.score - score_min) / nullif(score_max - score_min, 0) as scaled,
        coalesce(criterion.score >= minimum, minimum is null) as met,
        criterion.evidence_turns as evidence_turns,
        criterion.comment as comment
    from scaled
)

select * from final
