/*---
description: What a customer's bookings tell of what could be offered.
kind: potential
partition: as_of
key: [customer_id]
---*/
-- One row per customer with a booking in the longest window. Rules: docs/rules/potential.md, T01 to
-- T05. Of the salary that moves on, the account and day stand where the share was the largest.
with sums as (
    select
        customer_id,
        sum(case when booked_on > $bd - param('potential.flow_days') then other_out_amt end)
            as pot_other_out_amt,
        sum(case when booked_on > $bd - param('potential.flow_days') then other_in_amt end)
            as pot_other_in_amt,
        max(case when booked_on > $bd - param('potential.flow_days') then proceeds_max end)
            as pot_proceeds_max,
        sum(case when booked_on > $bd - param('potential.turnover_days') then acquiring_amt end)
            as pot_turnover_amt,
        sum(case when booked_on > $bd - param('potential.flow_days') then purchase_amt end)
            as pot_purchase_amt,
        sum(case when booked_on > $bd - param('potential.counter_days') then counter_cnt end)
            as pot_counter_cnt,
        sum(case when booked_on > $bd - param('potential.no_txn_days') then initiated_cnt end)
            as pot_initiated_cnt
    from int_account_days
    group by customer_id
),

salaries as (
    select
        paid.customer_id,
        paid.account_id,
        paid.payroll_amt,
        paid.other_out_amt + coalesce(next_day.other_out_amt, 0) as moved_amt
    from int_account_days as paid
    left join int_account_days as next_day
        on next_day.account_id = paid.account_id and next_day.booked_on = paid.booked_on + 1
    where paid.payroll_amt > 0 and paid.booked_on > $bd - param('potential.flow_days')
),

moved as (
    select *
    from salaries
    qualify row_number() over (
        partition by customer_id
        order by cast(moved_amt as double) / payroll_amt desc, payroll_amt desc, account_id
    ) = 1
)

select
    sums.customer_id,
    cast(coalesce(sums.pot_other_out_amt, 0) as decimal(18,2)) as pot_other_out_amt,
    cast(coalesce(sums.pot_other_in_amt, 0) as decimal(18,2)) as pot_other_in_amt,
    cast(coalesce(sums.pot_proceeds_max, 0) as decimal(18,2)) as pot_proceeds_max,
    cast(coalesce(sums.pot_turnover_amt, 0) as decimal(18,2)) as pot_turnover_amt,
    cast(coalesce(sums.pot_purchase_amt, 0) as decimal(18,2)) as pot_purchase_amt,
    cast(coalesce(sums.pot_counter_cnt, 0) as bigint) as pot_counter_cnt,
    cast(coalesce(sums.pot_initiated_cnt, 0) as bigint) as pot_initiated_cnt,
    cast(moved.payroll_amt as decimal(18,2)) as pot_payroll_amt,
    cast(moved.moved_amt as decimal(18,2)) as pot_payroll_moved_amt
from sums
left join moved on moved.customer_id = sums.customer_id
