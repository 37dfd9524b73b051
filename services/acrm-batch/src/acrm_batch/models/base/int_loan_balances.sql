/*---
description: Loans with sums of balance times days, of the month and of the year.
kind: base
partition: as_of
key: [loan_id]
window: {stg_loan_history: month}
audits:
  - {not_null: [customer_id, branch_id]}
---*/
-- One row per loan, running or not. What is not running counts 0. The year until the last month end
-- is carried by int_loan_years.
with since as (
    select
        coalesce(year(max(month_end)) = year($bd), false) as is_same_year,
        -- The first day that is not in what is carried, or the first of the year.
        greatest(
            $first_day, cast(date_trunc('year', $bd) as date), coalesce(max(month_end) + 1, $first_day)
        ) as counted_from
    from int_loan_years
),

spans as (
    select
        loan_id,
        case when status = 'running' then balance else 0 end as balance,
        business_date as from_on,
        lead(business_date, 1, $bd + 1) over (
            partition by loan_id order by business_date
        ) as until_on
    from stg_loan_history
),

figures as (
    select
        loan_id,
        sum(cast(balance as decimal(38,2))
            * cast(overlap_days(
                from_on, until_on, greatest($first_day, cast(date_trunc('month', $bd) as date)), $bd
            ) as integer))
            as month_balance_days,
        sum(cast(balance as decimal(38,2))
            * cast(overlap_days(from_on, until_on, counted_from, $bd) as integer))
            as counted_balance_days
    from spans
    cross join since
    group by loan_id
)

select
    loan.loan_id,
    loan.customer_id,
    loan.branch_id,
    coalesce(figures.month_balance_days, 0) as month_balance_days,
    coalesce(figures.counted_balance_days, 0)
        + case when since.is_same_year then coalesce(years.year_balance_days, 0) else 0 end
        as year_balance_days
from stg_loans as loan
cross join since
left join figures on figures.loan_id = loan.loan_id
left join int_loan_years as years on years.loan_id = loan.loan_id
