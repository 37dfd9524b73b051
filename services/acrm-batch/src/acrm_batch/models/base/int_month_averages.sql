/*---
description: A customer's deposits averaged over each of the last four complete months, carried on.
kind: base
partition: month_end
key: [customer_id]
before:
  customer_id: bigint
  month_end: date
  days_1: integer
  days_2: integer
  days_3: integer
  days_4: integer
  balance_days_1: decimal(38,2)
  balance_days_2: decimal(38,2)
  balance_days_3: decimal(38,2)
  balance_days_4: decimal(38,2)
---*/
-- One row per customer that has or had a deposit account. Month 1 is the one that ends here, month 4
-- the third before it; an average is balance_days / days, compared by multiplying across. Days are
-- empty for a month that was not delivered from its first day on, or not at all.
with here as (
    select
        customer_id,
        sum(month_balance_days) as balance_days
    from int_account_balances
    group by customer_id
),

-- What is carried counts only if it ends where this month begins.
earlier as (
    select *
    from int_month_averages_before
    where month_end = cast(date_trunc('month', $bd) as date) - 1
),

months as (
    select
        case when cast(date_trunc('month', $bd) as date) >= $first_day then $month_days end as days_1,
        (select max(days_1) from earlier) as days_2,
        (select max(days_2) from earlier) as days_3,
        (select max(days_3) from earlier) as days_4
)

select
    here.customer_id,
    $bd as month_end,
    cast(months.days_1 as integer) as days_1,
    cast(months.days_2 as integer) as days_2,
    cast(months.days_3 as integer) as days_3,
    cast(months.days_4 as integer) as days_4,
    cast(here.balance_days as decimal(38,2)) as balance_days_1,
    -- Who had no account then had nothing.
    cast(coalesce(earlier.balance_days_1, 0) as decimal(38,2)) as balance_days_2,
    cast(coalesce(earlier.balance_days_2, 0) as decimal(38,2)) as balance_days_3,
    cast(coalesce(earlier.balance_days_3, 0) as decimal(38,2)) as balance_days_4
from here
cross join months
left join earlier on earlier.customer_id = here.customer_id
