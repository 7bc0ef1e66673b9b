-- One row per score of the sessions asked for: every scorer, rubric version and revision, newest or not.
with

marked as (
    select
        session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version, revision,
        map_from_entries(list((criterion_id, score) order by criterion_id)) as criteria
    from criterion_scores
    where tenant = $tenant and list_contains($sessions, session_id)
    group by all
),

final as (
    select
        s.session_id, s.rubric_id, s.rubric_version, s.scorer_kind, s.scorer_id, s.scorer_version, s.revision,
        s.overall, s.passed, coalesce(m.criteria, map {}) as criteria
    from session_scores as s
    left join marked as m
        using (session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version, revision)
    where s.tenant = $tenant and list_contains($sessions, s.session_id)
)

select * from final
order by all
