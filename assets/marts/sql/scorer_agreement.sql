-- one row per rubric version, criterion, model scorer and month, and their roll-ups: does the model score as people do?
-- Quadratic weighted kappa on equally spaced scores is 2 cov / (var + var + (mean - mean)^2), so sums are enough. Kappa
-- and the intraclass correlation (two-way, absolute agreement, one rater) have delete-one-learner jackknife intervals
-- on Fisher's scale, since sessions of one learner resemble each other.
with

learner_cells as (
    select
        tenant,
        rubric_id,
        rubric_version,
        case when grouping(criterion_id) = 1 then '*' else criterion_id end as criterion_id,
        scorer_kind,
        scorer_version,
        case when grouping(strftime(day, '%Y-%m')) = 1 then '*' else strftime(day, '%Y-%m') end as month,
        learner_key,
        cast(count(*) as double) as n,
        sum(model) as x,
        sum(person) as y,
        sum(model * model) as xx,
        sum(person * person) as yy,
        sum(model * person) as xy,
        sum(case when abs(model - person) < 0.000001 then 1 else 0 end) as exact
    from double_scores
    group by
        tenant, rubric_id, rubric_version, scorer_kind, scorer_version, learner_key,
        cube (criterion_id, strftime(day, '%Y-%m'))
),

totals as (
    select
        *,
        count(*) over cell as n_learners,
        sum(n) over cell as all_n,
        sum(x) over cell as all_x,
        sum(y) over cell as all_y,
        sum(xx) over cell as all_xx,
        sum(yy) over cell as all_yy,
        sum(xy) over cell as all_xy,
        sum(exact) over cell as all_exact
    from learner_cells
    window cell as (partition by tenant, rubric_id, rubric_version, criterion_id, scorer_kind, scorer_version, month)
),

-- the whole cell once (left_out = 0), and the cell without each learner in turn (1)
samples as (
    select
        *, 0 as left_out,
        all_n as m, all_x as sx, all_y as sy, all_xx as sxx, all_yy as syy, all_xy as sxy
    from totals

    union all

    select
        *, 1 as left_out,
        all_n - n as m, all_x - x as sx, all_y - y as sy, all_xx - xx as sxx, all_yy - yy as syy, all_xy - xy as sxy
    from totals
),

moments as (
    select
        *,
        case when m > 0 then sxx / m + syy / m - 2 * sx / m * sy / m end as kappa_below,
        case when m > 0 then 2 * (sxy / m - sx / m * sy / m) end as kappa_above,
        case
            when m > 1 then 2 * ((sxx + 2 * sxy + syy) / 4 - (sx + sy) * (sx + sy) / (4 * m)) / (m - 1)
        end as between_targets,
        case when m > 1 then m * (sx / m - sy / m) * (sx / m - sy / m) / 2 end as between_raters,
        case
            when m > 1 then (sxx - 2 * sxy + syy - (sx - sy) * (sx - sy) / m) / (2 * (m - 1))
        end as residual
    from samples
),

agreed as (
    select
        *,
        case when kappa_below > 1e-9 then kappa_above / kappa_below end as qwk,
        case
            when between_targets + residual + 2 / m * (between_raters - residual) > 1e-9
            then (between_targets - residual)
                / (between_targets + residual + 2 / m * (between_raters - residual))
        end as icc
    from moments
),

-- Fisher's scale has no place for perfect agreement
fisher as (
    select
        *,
        0.5 * ln((1 + least(greatest(qwk, -0.999999), 0.999999)) / (1 - least(greatest(qwk, -0.999999), 0.999999)))
            as z_qwk,
        0.5 * ln((1 + least(greatest(icc, -0.999999), 0.999999)) / (1 - least(greatest(icc, -0.999999), 0.999999)))
            as z_icc
    from agreed
),

cells as (
    select
        tenant,
        rubric_id,
        rubric_version,
        criterion_id,
        scorer_kind,
        scorer_version,
        month,
        max(n_learners) as n_learners,
        max(all_n) as n_pairs,
        max(case when left_out = 0 then qwk end) as qwk,
        max(case when left_out = 0 then icc end) as icc,
        max(case when left_out = 0 then z_qwk end) as z_qwk,
        max(case when left_out = 0 then z_icc end) as z_icc,
        sqrt((max(n_learners) - 1) * var_pop(case when left_out = 1 then z_qwk end)) as se_qwk,
        sqrt((max(n_learners) - 1) * var_pop(case when left_out = 1 then z_icc end)) as se_icc,
        max((all_x - all_y) / all_n) as bias,
        max(
            case
                when all_n > 1
                then sqrt(
                    greatest(all_xx - 2 * all_xy + all_yy - (all_x - all_y) * (all_x - all_y) / all_n, 0) / (all_n - 1)
                )
            end
        ) as sd_difference,
        sum(
            case
                when left_out = 1
                then power(x - y - n * (all_x - all_y) / all_n, 2)
            end
        ) as bias_squares,
        sum(case when left_out = 1 then n * n end) as n_n,
        max(all_exact / all_n) as exact_share
    from fisher
    group by tenant, rubric_id, rubric_version, criterion_id, scorer_kind, scorer_version, month
),

spread as (
    select
        *,
        case
            when n_learners > 1 then sqrt(bias_squares * n_learners / (n_learners - 1)) / n_pairs
        end as se_bias,
        cast(floor(least(greatest(n_pairs * n_pairs / n_n - 1, 1), 1000)) as integer) as df
    from cells
),

final as (
    select
        tenant,
        rubric_id,
        rubric_version,
        criterion_id,
        scorer_kind,
        scorer_version,
        month,
        n_learners,
        cast(n_pairs as bigint) as n_pairs,
        qwk,
        tanh(z_qwk - quantile * se_qwk) as qwk_lower,
        tanh(z_qwk + quantile * se_qwk) as qwk_upper,
        icc,
        tanh(z_icc - quantile * se_icc) as icc_lower,
        tanh(z_icc + quantile * se_icc) as icc_upper,
        bias,
        bias - quantile * se_bias as bias_lower,
        bias + quantile * se_bias as bias_upper,
        sd_difference,
        bias - 1.959964 * sd_difference as loa_lower,
        bias + 1.959964 * sd_difference as loa_upper,
        exact_share,
        'jackknife_learner' as method,
        'double_scored_sample_random equal_steps' as assumptions,
        'descriptive' as label
    from spread
    inner join t_quantiles on spread.df = t_quantiles.df
)

select * from final
