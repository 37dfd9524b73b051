/*---
description: A loan's balance summed over the days of the year, carried from month end to month end.
kind: base
partition: month_end
key: [loan_id]
window: {stg_loan_history: month_end}
before:
  loan_id: bigint
  year_balance_days: decimal(38,2)
  month_end: date
---*/
-- One row per loan that was ever delivered: what the year is made of until the month end, so that a
-- night reads the loans delivered since the last one and not those of the year.
with since as (
    select
        coalesce(year(max(month_end)) = year($bd), false) as is_same_year,
        -- The first day that is not in what is carried, or the first of the year.
        greatest(
            $first_day, cast(date_trunc('year', $bd) as date), coalesce(max(month_end) + 1, $first_day)
        ) as counted_from
    from int_loan_years_before
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
            * cast(overlap_days(from_on, until_on, counted_from, $bd) as integer))
            as balance_days
    from spans
    cross join since
    group by loan_id
)

select
    figures.loan_id,
    cast(coalesce(figures.balance_days, 0) + case
        when since.is_same_year then coalesce(earlier.year_balance_days, 0) else 0
    end as decimal(38,2)) as year_balance_days,
    $bd as month_end
from figures
cross join since
left join int_loan_years_before as earlier on earlier.loan_id = figures.loan_id
