-- one row per first use of a rubric, scorer, scenario or policy version: the vertical lines of every trend
with

firsts as (
    select tenant, kind, subject, version, min(day) as first_day
    from versions
    group by tenant, kind, subject, version
),

final as (
    select
        tenant,
        kind,
        subject,
        version,
        first_day,
        coalesce(lag(version) over (partition by tenant, kind, subject order by first_day, version), '') as previous
    from firsts
)

select * from final
