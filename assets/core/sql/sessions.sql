-- One row per session: its facts and the pacing of its turns.
with

sessions as (
    select * from facts
),

spoken as (
    select * from pacing
),

final as (
    select
        sessions.*,
        coalesce(spoken.turn_count, 0) as turn_count,
        coalesce(spoken.learner_turns, 0) as learner_turns,
        coalesce(spoken.learner_words, 0) as learner_words,
        coalesce(spoken.counterpart_words, 0) as counterpart_words,
        spoken.talk_share,
        spoken.response_gap_p50_s,
        spoken.response_gap_p95_s,
        spoken.counterpart_gap_p50_s,
        spoken.interruptions_by_learner,
        spoken.interruptions_by_counterpart,
        spoken.longest_monologue_s
    from sessions
    left join spoken using (tenant, session_id)
)

select * from final
