-- one row per learner, scenario, language and region: the sums that a comparison of languages and regions needs. A staging
-- table, never published.
with

final as (
    select
        sessions.tenant,
        sessions.learner_key,
        sessions.scenario_id,
        coalesce(sessions.language, 'unknown') as language,
        coalesce(sessions.region, 'unknown') as region,
        count(*) as sessions,
        count(headline.overall) as n,
        sum(headline.overall) as total,
        sum(headline.overall * headline.overall) as squares,
        sum(case when headline.passed is not null then 1 else 0 end) as judged,
        sum(case when headline.passed then 1 else 0 end) as passed,
        count(talk_share) as timed,
        sum(talk_share) as talked
    from sessions
    left join headline on sessions.tenant = headline.tenant and sessions.session_id = headline.session_id
    where not is_test and sessions.learner_key is not null and sessions.scenario_id is not null
    group by
        sessions.tenant,
        sessions.learner_key,
        sessions.scenario_id,
        coalesce(sessions.language, 'unknown'),
        coalesce(sessions.region, 'unknown')
)

select * from final
