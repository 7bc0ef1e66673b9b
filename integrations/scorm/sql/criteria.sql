-- One row per criterion of the score that is told.
select criterion_id, score, score_min, score_max, scaled, met, comment
from criterion_scores
where
    tenant = $tenant
    and session_id = $session_id
    and rubric_id = $rubric_id
    and rubric_version = $rubric_version
    and scorer_kind = $scorer_kind
    and scorer_id = $scorer_id
    and scorer_version = $scorer_version
    and revision = $revision
order by criterion_id
