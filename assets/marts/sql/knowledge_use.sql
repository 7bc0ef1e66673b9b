-- one row per knowledge document, region and language of session, and their roll-ups. A document that other languages'
-- sessions never drew passages from, although English ones did, is marked: the knowledge base speaks English only.
with

cited as (
    select distinct
        signals.tenant,
        signals.session_id,
        coalesce(signals.name, 'unnamed') as document,
        signals.state
    from signals
    where signals.kind = 'knowledge'
),

used as (
    select
        cited.tenant,
        cited.document,
        cited.state,
        cited.session_id,
        sessions.day,
        sessions.learner_key,
        coalesce(sessions.region, 'unknown') as region,
        coalesce(sessions.language, 'unknown') as language
    from cited
    inner join sessions on cited.tenant = sessions.tenant and cited.session_id = sessions.session_id
    where not is_test and sessions.learner_key is not null
),

cells as (
    select
        tenant,
        document,
        case when grouping(region) = 1 then '*' else region end as region,
        case when grouping(language) = 1 then '*' else language end as language,
        count(distinct learner_key) as n_learners,
        count(distinct session_id) as sessions,
        count(distinct case when state = 'retrieved' then session_id end) as retrieved,
        max(day) as last_used_day
    from used
    group by tenant, document, cube (region, language)
),

practised as (
    select
        tenant,
        case when grouping(region) = 1 then '*' else region end as region,
        case when grouping(language) = 1 then '*' else language end as language,
        sum(sessions) as sessions
    from speakers
    group by tenant, cube (region, language)
),

horizon as (
    select tenant, max(day) as last_day from sessions where not is_test group by tenant
),

spoken as (
    select
        tenant,
        document,
        max(case when language like 'en%' and retrieved > 0 then 1 else 0 end) as english,
        max(case when language not like 'en%' and language <> '*' and retrieved > 0 then 1 else 0 end) as other
    from cells
    group by tenant, document
),

final as (
    select
        cells.tenant,
        cells.region,
        cells.document,
        cells.language,
        cells.n_learners,
        cells.sessions,
        cells.retrieved,
        case when practised.sessions > 0 then least(1.0 * cells.sessions / practised.sessions, 1.0) end as use_share,
        cells.last_used_day,
        cells.last_used_day < last_day - interval 60 day as stale,
        english = 1 and other = 0 as english_only,
        'count' as method,
        'documents_named_by_engine' as assumptions,
        'descriptive' as label
    from cells
    inner join horizon on cells.tenant = horizon.tenant
    inner join spoken on cells.tenant = spoken.tenant and cells.document = spoken.document
    left join practised
        on cells.tenant = practised.tenant
        and cells.region = practised.region
        and cells.language = practised.language
)

select * from final
