-- One row per session with turns: how the talk was shared and how fast it went. Null where the engine gave no timing.
with

turns as (
    select * from good_turns
),

final as (
    select
        tenant,
        session_id,
        count(*)::integer as turn_count,
        (count(*) filter (where speaker = 'learner'))::integer as learner_turns,
        coalesce(sum(words) filter (where speaker = 'learner'), 0)::integer as learner_words,
        coalesce(sum(words) filter (where speaker = 'counterpart'), 0)::integer as counterpart_words,
        case
            when sum(duration_s) > 0 then coalesce(sum(duration_s) filter (where speaker = 'learner'), 0) / sum(duration_s)
        end as talk_share,
        median(response_gap_s) filter (where speaker = 'learner') as response_gap_p50_s,
        quantile_cont(response_gap_s, 0.95) filter (where speaker = 'learner') as response_gap_p95_s,
        median(response_gap_s) filter (where speaker = 'counterpart') as counterpart_gap_p50_s,
        case
            when count(interrupted) > 0 then (count(*) filter (where speaker = 'counterpart' and interrupted))::integer
        end as interruptions_by_learner,
        case
            when count(interrupted) > 0 then (count(*) filter (where speaker = 'learner' and interrupted))::integer
        end as interruptions_by_counterpart,
        max(duration_s) filter (where speaker = 'learner') as longest_monologue_s
    from turns
    group by tenant, session_id
)

select * from final
