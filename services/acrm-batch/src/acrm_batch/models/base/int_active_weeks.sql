/*---
description: In how many weeks something was booked on a customer's accounts, by him or by others, and the amounts, carried on month by month.
kind: base
partition: month_end
key: [customer_id]
window: {stg_transactions: month_end}
before:
  customer_id: bigint
  first_week: integer
  last_week: integer
  active_weeks: integer
  turnover: decimal(18,2)
  month_end: date
audits:
  - {assert: "active_weeks >= 1 and last_week >= first_week and active_weeks <= last_week - first_week + 1"}
---*/
-- One row per customer on whose accounts anything was ever booked, by himself or by others, as
-- salaries are. Weeks begin on Monday and are counted from 1970-01-05. What the bank books itself
-- (interest, fees) and reversals are no activity; what was reversed was one when it was booked.
with since as (
    select coalesce(max(month_end), cast('1900-01-01' as date)) as counted_until
    from int_active_weeks_before
),

bookings as (
    select
        account.customer_id,
        cast(floor(date_diff('day', cast('1970-01-05' as date), booking.booked_on) / 7) as integer)
            as week,
        booking.amount
    from stg_transactions as booking
    inner join stg_deposit_accounts as account on account.account_id = booking.account_id
    cross join since
    where
        booking.booked_on > since.counted_until
        and booking.channel <> 'system'
        and booking.txn_type not in ('interest', 'fee', 'sanction_interest')
        and booking.reverses_txn_id is null
),

weeks as (
    select customer_id, week, sum(amount) as turnover
    from bookings
    group by customer_id, week
),

news as (
    select
        weeks.customer_id,
        min(weeks.week) as first_week,
        max(weeks.week) as last_week,
        -- A week that the month before has begun is not counted again.
        count(case when coalesce(weeks.week > earlier.last_week, true) then 1 end) as active_weeks,
        sum(weeks.turnover) as turnover
    from weeks
    left join int_active_weeks_before as earlier on earlier.customer_id = weeks.customer_id
    group by weeks.customer_id
)

select
    coalesce(news.customer_id, earlier.customer_id) as customer_id,
    coalesce(earlier.first_week, news.first_week) as first_week,
    coalesce(news.last_week, earlier.last_week) as last_week,
    cast(coalesce(earlier.active_weeks, 0) + coalesce(news.active_weeks, 0) as integer)
        as active_weeks,
    cast(coalesce(earlier.turnover, 0) + coalesce(news.turnover, 0) as decimal(18,2)) as turnover,
    $bd as month_end
from news
full join int_active_weeks_before as earlier on earlier.customer_id = news.customer_id
