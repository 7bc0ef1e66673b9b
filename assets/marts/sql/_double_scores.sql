-- one row per session, criterion, model scorer and person who scored it too. A staging table, never published.
with

latest as (
    select
        criterion_scores.tenant,
        criterion_scores.session_id,
        criterion_scores.day,
        criterion_scores.rubric_id,
        criterion_scores.rubric_version,
        criterion_scores.criterion_id,
        criterion_scores.scorer_kind,
        criterion_scores.scorer_id,
        criterion_scores.scorer_version,
        criterion_scores.scaled,
        sessions.learner_key
    from criterion_scores
    inner join sessions
        on criterion_scores.tenant = sessions.tenant and criterion_scores.session_id = sessions.session_id
    where is_latest and not is_test and review_state <> 'rejected' and sessions.learner_key is not null
),

people as (
    select tenant, session_id, rubric_id, rubric_version, criterion_id, scorer_id, scaled
    from latest
    where scorer_kind = 'human'
),

final as (
    select
        latest.tenant,
        latest.session_id,
        latest.day,
        latest.learner_key,
        latest.rubric_id,
        latest.rubric_version,
        latest.criterion_id,
        latest.scorer_kind,
        latest.scorer_version,
        latest.scaled as model,
        people.scaled as person
    from latest
    inner join people
        on latest.tenant = people.tenant
        and latest.session_id = people.session_id
        and latest.rubric_id = people.rubric_id
        and latest.rubric_version = people.rubric_version
        and latest.criterion_id = people.criterion_id
    where latest.scorer_kind <> 'human'
)

select * from final
