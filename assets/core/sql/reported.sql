-- One row per outcome that the newest version of a connector's record implies; whom it belongs to is told by the first
-- of the record's people that the identity store knows. Records without a learner come along with a null key.
with

versions as (
    select
        *,
        row_number() over (
            partition by tenant, connector, entity, record_id
            order by received_at desc, modified_at desc nulls last, version
        ) as place
    from records
),

living as (
    select versions.*
    from versions
    where place = 1 and not deleted
),

named as (
    select
        tenant,
        connector,
        entity,
        record_id,
        unnest(people) as person,
        generate_subscripts(people, 1) as place
    from living
),

known as (
    select
        named.tenant,
        named.connector,
        named.entity,
        named.record_id,
        arg_min(tokens.learner_key, named.place) as learner_key,
        arg_min(named.person.rule, named.place) as attribution_rule
    from named
    inner join tokens on named.tenant = tokens.tenant and named.person.token = tokens.token
    group by all
),

judged as (
    select
        living.*,
        known.learner_key,
        known.attribution_rule,
        case
            when role = 'deal' then stages.state
            else 'counts'
        end as state,
        case
            when role = 'deal' and stages.state = 'won' then 'deal_won'
            when role = 'deal' and stages.state = 'lost' then 'deal_lost'
            when role in ('csat', 'csat_window') then 'csat'
            when role = 'event' then kind
        end as outcome,
        case
            when role = 'csat_window'
                then json_merge_patch(
                    coalesce(attributes, json('{}')), json_object('count', answers, 'from', iso(opened_at))
                )
            else attributes
        end as told
    from living
    left join entities
        on
            living.tenant = entities.tenant
            and living.connector = entities.connector
            and living.entity = entities.entity
    left join stages
        on
            living.tenant = stages.tenant
            and living.connector = stages.connector
            and living.entity = stages.entity
            and living.stage = stages.stage
    left join known
        on
            living.tenant = known.tenant
            and living.connector = known.connector
            and living.entity = known.entity
            and living.record_id = known.record_id
    where entities.entity is not null
),

final as (
    select
        tenant,
        cast(occurred_at as date) as day,
        sha256(concat_ws('|', version, outcome, coalesce(learner_key, ''))) as content_sha256,
        connector as source,
        learner_key,
        outcome as kind,
        value,
        unit,
        iso(occurred_at) as occurred_at,
        concat_ws('/', connector, entity, record_id) as reference,
        case when role = 'csat_window' then null else iso(opened_at) end as exposure_from,
        told as attributes,
        received_at,
        batch_id,
        attribution_rule,
        connector,
        entity,
        role,
        state,
        stage,
        case when learner_key is null and len(people) > 0 then people[1].token end as unmatched
    from judged
)

select * from final
