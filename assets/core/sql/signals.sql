-- One row per signal, in the order in which the session lists them; severity and regulation are the scenario's.
with

listed as (
    select
        tenant,
        session_id,
        raw_ref,
        unnest(range(len(signals)))::integer as ordinal,
        unnest(signals) as signal
    from parts
    where len(signals) > 0
),

sessions as (
    select tenant, session_id, day, scenario_id, scenario_version from facts
),

final as (
    select
        listed.tenant,
        listed.session_id,
        sessions.day,
        listed.ordinal,
        listed.signal.kind as kind,
        listed.signal.name as name,
        listed.signal.state as state,
        listed.signal.at_s as at_s,
        coalesce(listed.signal.alignment, case when listed.signal.at_s is not null then 'exact' end) as alignment,
        watchpoints.severity,
        watchpoints.regulation,
        listed.signal.reason as reason,
        listed.signal.payload as variables,
        case
            when listed.signal.kind = 'objective' and listed.signal.payload is not null
                then len(regexp_extract_all(listed.signal.payload::varchar, '"NOTFOUND"'))::integer
        end as not_found,
        listed.raw_ref
    from listed
    join sessions using (tenant, session_id)
    left join watchpoints
        on watchpoints.scenario_id = sessions.scenario_id
        and watchpoints.scenario_version = sessions.scenario_version
        and watchpoints.kind = listed.signal.kind
        and watchpoints.name = listed.signal.name
)

select * from final
