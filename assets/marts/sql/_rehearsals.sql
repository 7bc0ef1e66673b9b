-- one row per session with a headline score of a learner, and numbers in place of its texts. A passing table: it lasts
-- as long as the refresh that made it, and so do its numbers. `place` orders sessions by time.
with

scored as (
    select
        tenant,
        session_id,
        learner_key,
        version,
        any_value(region) as region,
        any_value(scenario_id) as scenario_id,
        any_value(started_at) as started_at
    from attempts
    group by tenant, session_id, learner_key, version
),

people as (
    select tenant, learner_key, row_number() over (order by tenant, learner_key) as person
    from (select distinct tenant, learner_key from scored) as known
),

scorers as (
    select version, row_number() over (order by version) as scorer, count(*) over () as scorers
    from (select distinct version from scored) as known
),

areas as (
    select region, row_number() over (order by region) as area from (select distinct region from scored) as known
),

final as (
    select
        scored.*,
        person,
        scorer,
        scorers,
        area,
        row_number() over (order by started_at, session_id) as place
    from scored
    inner join people on scored.tenant = people.tenant and scored.learner_key = people.learner_key
    inner join scorers on scored.version = scorers.version
    inner join areas on scored.region = areas.region
)

select * from final
