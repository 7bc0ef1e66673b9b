-- one row per scenario, rubric version, scorer kind and criterion: is this item too easy, too hard, or does it not
-- tell strong sessions from weak ones?
with

applied as (
    select tenant, scenario_id, rubric_id, rubric_version, scorer_kind, sum(sessions) as sessions
    from applications
    group by tenant, scenario_id, rubric_id, rubric_version, scorer_kind
),

cells as (
    select
        tenant,
        scenario_id,
        rubric_id,
        rubric_version,
        scorer_kind,
        criterion_id,
        max(competency) as competency,
        max(blocker) = 1 as blocker,
        count(*) as n_learners,
        sum(n) as n,
        sum(total) / sum(n) as mean,
        sum(squares) as squares,
        sum(total * total) as total_total,
        sum(total * n) as total_n,
        sum(n * n) as n_n,
        sum(pairs) * sum(products) - sum(paired) * sum(others) as covariance,
        sum(pairs) * sum(paired_squares) - sum(paired) * sum(paired) as item_variance,
        sum(pairs) * sum(others_squares) - sum(others) * sum(others) as others_variance,
        1.0 * sum(at_floor) / sum(n) as floor_share,
        1.0 * sum(at_ceiling) / sum(n) as ceiling_share,
        case when max(blocker) = 1 then 1.0 * sum(blocked) / sum(n) end as blocker_rate
    from items
    group by tenant, scenario_id, rubric_id, rubric_version, scorer_kind, criterion_id
),

spread as (
    select
        *,
        case when n > 1 then sqrt(greatest((squares - n * mean * mean) / (n - 1), 0)) end as sd,
        case
            when n_learners > 1
            then sqrt(
                greatest(total_total - 2 * mean * total_n + mean * mean * n_n, 0)
                * n_learners / (n_learners - 1)
            ) / n
        end as se,
        cast(floor(least(greatest(1.0 * n * n / n_n - 1, 1), 1000)) as integer) as df
    from cells
),

-- Fisher's interval takes the effective number of learners: sessions of one learner are no separate evidence
related as (
    select
        *,
        -- a constant column leaves rounding dust instead of a variance of 0
        case
            when item_variance > 1e-9 * n * n and others_variance > 1e-9 * n * n
            then greatest(least(covariance / sqrt(item_variance * others_variance), 1), -1)
        end as discrimination
    from spread
),

final as (
    select
        spread.tenant,
        spread.scenario_id,
        spread.rubric_id,
        spread.rubric_version,
        spread.scorer_kind,
        criterion_id,
        competency,
        blocker,
        n_learners,
        n,
        mean,
        greatest(mean - quantile * se, 0) as lower,
        least(mean + quantile * se, 1) as upper,
        sd,
        discrimination,
        case
            when spread.df > 3 and abs(discrimination) < 1
            then tanh(0.5 * ln((1 + discrimination) / (1 - discrimination)) - 1.959964 / sqrt(spread.df - 2))
        end as discrimination_lower,
        case
            when spread.df > 3 and abs(discrimination) < 1
            then tanh(0.5 * ln((1 + discrimination) / (1 - discrimination)) + 1.959964 / sqrt(spread.df - 2))
        end as discrimination_upper,
        floor_share,
        ceiling_share,
        blocker_rate,
        1.0 - 1.0 * n / sessions as missing_share,
        'cluster_t' as method,
        'sessions_of_one_learner_alike' as assumptions,
        'descriptive' as label
    from related as spread
    inner join t_quantiles on spread.df = t_quantiles.df
    inner join applied
        on spread.tenant = applied.tenant
        and spread.scenario_id = applied.scenario_id
        and spread.rubric_id = applied.rubric_id
        and spread.rubric_version = applied.rubric_version
        and spread.scorer_kind = applied.scorer_kind
)

select * from final
