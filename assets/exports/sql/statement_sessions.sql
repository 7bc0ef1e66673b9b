-- One row per session that statements are made for, with everything they are made from, in order of day, tenant and
-- session. Only attributed sessions that took place and are no test; no word that anybody said is selected.
with

eligible as (
    select *
    from at_sessions
    where attributed and learner_key is not null and not is_test and end_reason is distinct from 'no_show'
),

-- A score that waits for its review is not told yet; one that was rejected never is.
told as (
    select
        *,
        row_number() over (
            partition by tenant, session_id, rubric_id
            order by
                case scorer_kind when 'human' then 0 when 'engine_llm' then 1 else 2 end,
                scored_at desc nulls last,
                rubric_version desc,
                scorer_version desc,
                scorer_id desc
        ) as place
    from at_session_scores
    where is_latest and review_state not in ('pending', 'rejected')
),

holding as (
    select * from told where place = 1
),

criteria as (
    select criterion_scores.*
    from at_criterion_scores as criterion_scores
    semi join holding
        on criterion_scores.tenant = holding.tenant
        and criterion_scores.session_id = holding.session_id
        and criterion_scores.rubric_id = holding.rubric_id
        and criterion_scores.rubric_version = holding.rubric_version
        and criterion_scores.scorer_kind = holding.scorer_kind
        and criterion_scores.scorer_id = holding.scorer_id
        and criterion_scores.scorer_version = holding.scorer_version
        and criterion_scores.revision = holding.revision
),

cited as (
    select distinct tenant, session_id, rubric_id, criterion_id, unnest(evidence_turns) as turn
    from criteria
),

evidence as (
    select
        cited.tenant,
        cited.session_id,
        cited.rubric_id,
        cited.criterion_id,
        list(
            {'turn': cited.turn, 'start_s': turns.start_s, 'end_s': turns.start_s + turns.duration_s}
            order by cited.turn
        ) as evidence
    from cited
    inner join at_turns as turns
        on cited.tenant = turns.tenant and cited.session_id = turns.session_id and cited.turn = turns.ordinal
    group by cited.tenant, cited.session_id, cited.rubric_id, cited.criterion_id
),

scored as (
    select
        criteria.tenant,
        criteria.session_id,
        criteria.rubric_id,
        list(
            {
                'criterion_id': criteria.criterion_id,
                'score': score,
                'score_min': score_min,
                'score_max': score_max,
                'scaled': scaled,
                'met': met,
                'blocker': blocker,
                'competency': competency,
                'evidence': evidence.evidence
            }
            order by criteria.criterion_id
        ) as criteria
    from criteria
    left join evidence
        on criteria.tenant = evidence.tenant
        and criteria.session_id = evidence.session_id
        and criteria.rubric_id = evidence.rubric_id
        and criteria.criterion_id = evidence.criterion_id
    group by criteria.tenant, criteria.session_id, criteria.rubric_id
),

described as (
    select
        told.tenant,
        told.session_id,
        told.place,
        told.scorer_kind,
        {
            'rubric_id': told.rubric_id,
            'rubric_version': told.rubric_version,
            'scorer_kind': told.scorer_kind,
            'scorer_id': told.scorer_id,
            'scorer_version': told.scorer_version,
            'scored_at': told.scored_at,
            'overall': told.overall,
            'passed': told.passed,
            'uncatalogued': told.uncatalogued,
            'blockers_hit': told.blockers_hit,
            'criteria': case when told.place = 1 then scored.criteria end
        } as score
    from told
    left join scored
        on told.tenant = scored.tenant and told.session_id = scored.session_id and told.rubric_id = scored.rubric_id
),

judgements as (
    select
        tenant,
        session_id,
        list(score order by score.rubric_id) filter (where place = 1) as scores,
        list(score order by score.rubric_id, score.rubric_version, score.scorer_id, score.scorer_version)
            filter (where scorer_kind = 'human') as reviews
    from described
    group by tenant, session_id
),

events as (
    select
        tenant,
        session_id,
        kind,
        name,
        row_number() over (partition by tenant, session_id, kind, name order by at_s nulls last, ordinal) as nth,
        at_s,
        alignment,
        severity,
        regulation
    from at_signals
    where (kind = 'objective' and state = 'completed') or (kind = 'guardrail' and state = 'triggered')
),

watched as (
    select
        tenant,
        session_id,
        list(
            {
                'kind': kind,
                'name': name,
                'nth': nth,
                'at_s': at_s,
                'alignment': alignment,
                'severity': severity,
                'regulation': regulation
            }
            order by at_s nulls last, kind, name, nth
        ) as watched
    from events
    where kind = 'guardrail' or nth = 1
    group by tenant, session_id
),

recordings as (
    select
        tenant,
        session_id,
        list({'uri': uri, 'kind': kind, 'size_bytes': size_bytes, 'sha256': sha256} order by uri) as recordings
    from at_media
    where status = 'available' and sha256 is not null and size_bytes is not null
    group by tenant, session_id
),

reached as (
    select
        tenant,
        session_id,
        list(
            {'competency': competency, 'level': level, 'required': required, 'attempts': attempts} order by competency
        ) as mastered
    from mastered
    group by tenant, session_id
),

final as (
    select
        eligible.tenant,
        eligible.session_id,
        eligible.day,
        eligible.learner_key,
        eligible.started_at,
        eligible.policy_version,
        eligible.ended_at,
        eligible.duration_s,
        eligible.end_reason,
        eligible.scenario_id,
        eligible.scenario_version,
        eligible.attempt,
        eligible.assigned,
        eligible.language,
        judgements.scores,
        judgements.reviews,
        watched.watched,
        recordings.recordings,
        reached.mastered,
        learners.manager_key,
        learners.role,
        coalesce(eligible.region, learners.region) as region
    from eligible
    left join judgements
        on eligible.tenant = judgements.tenant and eligible.session_id = judgements.session_id
    left join watched
        on eligible.tenant = watched.tenant and eligible.session_id = watched.session_id
    left join recordings
        on eligible.tenant = recordings.tenant and eligible.session_id = recordings.session_id
    left join reached
        on eligible.tenant = reached.tenant and eligible.session_id = reached.session_id
    left join learners
        on eligible.tenant = learners.tenant and eligible.learner_key = learners.learner_key
)

select * from final
order by day, tenant, session_id
