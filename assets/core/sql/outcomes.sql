-- One row per source record: of several versions of one record the newest receipt counts.
with

landed as (
    select * from raw_outcomes
),

identified as (
    select
        *,
        kind || ':' || coalesce(reference, content_sha256) as outcome_id
    from landed
),

newest as (
    select *
    from identified
    qualify row_number() over (
        partition by tenant, coalesce(outcome_id, content_sha256) order by received_at desc, content_sha256
    ) = 1
),

final as (
    select
        tenant,
        outcome_id,
        day,
        learner_key,
        kind,
        value,
        unit,
        utc(occurred_at) as occurred_at,
        utc(exposure_from) as exposure_from,
        exposure_from is null or utc(exposure_from) is not null as exposure_from_ok,
        reference,
        coalesce(attribution_rule, case when learner_key is not null then 'named_by_source' end) as attribution_rule,
        attributes,
        source,
        'raw/outcomes:' || content_sha256 as raw_ref,
        received_at
    from newest
)

select * from final
