-- One row per session in scope, with the score that speaks for it: newest revisions, nothing rejected, a person's
-- review before the engine's scorer before our model.
with

scoped as (
    select *
    from sessions
    where
        tenant = $tenant
        and not is_test
        and day between $first and $last
        and ($scenario is null or scenario_id = $scenario)
        and ($region is null or region = $region)
),

headline as (
    select s.*
    from session_scores as s
    semi join scoped using (tenant, session_id)
    where s.is_latest and s.review_state <> 'rejected'
    qualify
        row_number() over (
            partition by s.session_id
            order by
                case s.scorer_kind when 'human' then 0 when 'engine_llm' then 1 else 2 end,
                s.scored_at desc nulls last, s.rubric_version desc, s.scorer_version desc, s.scorer_id desc
        ) = 1
),

spoken as (
    select
        session_id,
        sha256(string_agg(speaker || chr(31) || text, chr(30) order by ordinal)) as transcript_sha256,
        -- the file of the lake, below the home
        'lake/core/turns/day=' || min(day) || '/data.parquet' as transcript_location
    from turns
    semi join scoped using (session_id)
    group by session_id
),

cited as (
    select c.session_id, c.criterion_id, list([t.start_s, t.start_s + t.duration_s] order by t.ordinal) as spans
    from (
        select c.session_id, c.criterion_id, unnest(c.evidence_turns) as ordinal
        from criterion_scores as c
        semi join headline as h
            on
                c.session_id = h.session_id and c.rubric_id = h.rubric_id and c.rubric_version = h.rubric_version
                and c.scorer_kind = h.scorer_kind and c.scorer_id = h.scorer_id
                and c.scorer_version = h.scorer_version and c.revision = h.revision
    ) as c
    inner join turns as t on c.session_id = t.session_id and c.ordinal = t.ordinal
    where t.start_s is not null
    group by c.session_id, c.criterion_id
),

criteria as (
    select
        c.session_id,
        list(
            struct_pack(
                criterion := c.criterion_id, score := c.score, scale := [c.score_min, c.score_max], met := c.met,
                blocker := c.blocker, evidence_turns := c.evidence_turns, evidence_spans_s := cited.spans
            ) order by c.criterion_id
        ) as criteria
    from criterion_scores as c
    inner join headline as h
        on
            c.session_id = h.session_id and c.rubric_id = h.rubric_id and c.rubric_version = h.rubric_version
            and c.scorer_kind = h.scorer_kind and c.scorer_id = h.scorer_id and c.scorer_version = h.scorer_version
            and c.revision = h.revision
    left join cited on c.session_id = cited.session_id and c.criterion_id = cited.criterion_id
    group by c.session_id
),

recordings as (
    select
        session_id,
        list(struct_pack(uri := uri, kind := kind, status := status, sha256 := sha256) order by uri) as recordings
    from media
    semi join scoped using (tenant, session_id)
    group by session_id
),

final as (
    select
        s.tenant,
        s.session_id,
        s.day,
        s.learner_key,
        l.role,
        s.region,
        s.scenario_id,
        s.scenario_version,
        s.attempt,
        s.started_at,
        s.ended_at,
        s.end_reason,
        s.completeness,
        s.missing_parts,
        s.notice_ref,
        s.policy_version,
        s.last_received_at > s.started_at + interval 7 days as received_late,
        h.rubric_id,
        h.rubric_version,
        h.scorer_kind,
        h.scorer_id,
        h.scorer_version,
        h.revision,
        h.scored_at,
        h.overall,
        h.passed,
        coalesce(h.blockers_hit, []) as blockers_hit,
        -- the score that an adjustment gave is a person's word already
        case
            when h.scorer_kind = 'human' and h.scorer_version = 'review' and h.review_state = 'not_required'
                then 'adjusted'
            else h.review_state
        end as review_state,
        coalesce(c.criteria, []) as criteria,
        coalesce(r.recordings, []) as recordings,
        t.transcript_sha256,
        t.transcript_location
    from scoped as s
    left join learners as l on s.tenant = l.tenant and s.learner_key = l.learner_key
    left join headline as h on s.session_id = h.session_id
    left join criteria as c on s.session_id = c.session_id
    left join recordings as r on s.session_id = r.session_id
    left join spoken as t on s.session_id = t.session_id
)

select * from final
order by started_at, session_id
