-- one row per scenario, rubric version, scorer kind and criterion: is this item too easy, too hard, or does it not
-- tell strong sessions from weak ones? Every scorer kind has its own row; revisions count once.
with

scores as (
    select
        criterion_scores.*,
        sessions.scenario_id,
        sessions.learner_key as learner
    from criterion_scores
    inner join sessions
        on criterion_scores.tenant = sessions.tenant and criterion_scores.session_id = sessions.session_id
    where
        is_latest and review_state <> 'rejected' and not is_test
        and sessions.scenario_id is not null and sessions.learner_key is not null
),

scored_sessions as (
    select
        tenant, session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version,
        max(scenario_id) as scenario_id,
        sum(scaled) as total,
        count(*) as criteria
    from scores
    group by tenant, session_id, rubric_id, rubric_version, scorer_kind, scorer_id, scorer_version
),

applied as (
    select tenant, scenario_id, rubric_id, rubric_version, scorer_kind, count(*) as sessions
    from scored_sessions
    group by tenant, scenario_id, rubric_id, rubric_version, scorer_kind
),

-- the correlation is with the other criteria: with itself included, every item would seem to discriminate
items as (
    select
        scores.tenant,
        scores.scenario_id,
        scores.rubric_id,
        scores.rubric_version,
        scores.scorer_kind,
        scores.criterion_id,
        scores.learner,
        scores.competency,
        scores.blocker,
        scores.met,
        scores.scaled,
        case when criteria > 1 then (total - scaled) / (criteria - 1) end as others
    from scores
    inner join scored_sessions
        on scores.tenant = scored_sessions.tenant
        and scores.session_id = scored_sessions.session_id
        and scores.rubric_id = scored_sessions.rubric_id
        and scores.rubric_version = scored_sessions.rubric_version
        and scores.scorer_kind = scored_sessions.scorer_kind
        and scores.scorer_id = scored_sessions.scorer_id
        and scores.scorer_version = scored_sessions.scorer_version
),

learner_cells as (
    select
        tenant,
        scenario_id,
        rubric_id,
        rubric_version,
        scorer_kind,
        criterion_id,
        learner,
        max(competency) as competency,
        max(case when blocker then 1 else 0 end) as blocker,
        count(*) as n,
        sum(scaled) as total,
        sum(scaled * scaled) as squares,
        count(others) as pairs,
        sum(others) as others,
        sum(others * others) as others_squares,
        sum(scaled * others) as products,
        sum(case when others is not null then scaled end) as paired,
        sum(case when others is not null then scaled * scaled end) as paired_squares,
        sum(case when scaled <= 0 then 1 else 0 end) as at_floor,
        sum(case when scaled >= 1 then 1 else 0 end) as at_ceiling,
        sum(case when blocker and not met then 1 else 0 end) as blocked
    from items
    group by tenant, scenario_id, rubric_id, rubric_version, scorer_kind, criterion_id, learner
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
    from learner_cells
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
        -- a constant column leaves rounding dust instead of a variance of 0
        case
            when item_variance > 1e-9 * n * n and others_variance > 1e-9 * n * n
            then covariance / sqrt(item_variance * others_variance)
        end as discrimination,
        floor_share,
        ceiling_share,
        blocker_rate,
        1.0 - 1.0 * n / sessions as missing_share
    from spread
    inner join t_quantiles on spread.df = t_quantiles.df
    inner join applied
        on spread.tenant = applied.tenant
        and spread.scenario_id = applied.scenario_id
        and spread.rubric_id = applied.rubric_id
        and spread.rubric_version = applied.rubric_version
        and spread.scorer_kind = applied.scorer_kind
)

select * from final
