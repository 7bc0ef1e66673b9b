-- One row per speech turn, in the order in which the session lists them.
with

sessions as (
    select
        tenant,
        session_id,
        day,
        raw_ref,
        turns,
        list_transform(turns, lambda turn: turn.start_s + turn.duration_s) as ends,
        list_transform(turns, lambda turn: turn.speaker) as speakers
    from parts
    where len(turns) > 0
),

listed as (
    select
        tenant,
        session_id,
        day,
        raw_ref,
        unnest(range(len(turns)))::integer as ordinal,
        unnest(turns) as turn,
        unnest(list_prepend(null, ends)[: len(turns)]) as previous_end,
        unnest(list_prepend(null, speakers)[: len(turns)]) as previous_speaker
    from sessions
),

final as (
    select
        listed.tenant,
        listed.session_id,
        listed.day,
        listed.ordinal,
        listed.turn.speaker as speaker,
        listed.turn.text as text,
        listed.turn.start_s as start_s,
        listed.turn.duration_s as duration_s,
        words(listed.turn.text) as words,
        case
            when listed.turn.speaker <> listed.previous_speaker then round(listed.turn.start_s - listed.previous_end, 3)
        end as response_gap_s,
        -- greatest() passes over a NULL, and a turn without timing has no overlap of 0.
        case
            when listed.previous_end - listed.turn.start_s is not null
                then greatest(round(listed.previous_end - listed.turn.start_s, 3), 0)
        end as overlap_s,
        listed.turn.interrupted as interrupted,
        coalesce(listed.turn.language, heard.language) as language,
        listed.turn.input_mode as input_mode,
        listed.raw_ref
    from listed
    left join heard using (tenant, session_id, ordinal)
)

select * from final
