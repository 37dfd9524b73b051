/*---
description: Interest credited to a customer's deposits at a branch, and the money that came in new.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
at: {ind_balances: [month, year]}
---*/
-- One row per customer and branch with deposits now or on a reference day, or interest.
with parts as (
    select customer_id, branch_id, dep_bal as change_m, dep_bal as change_y, 0 as interest_m,
        0 as interest_y
    from ind_balances

    union all

    select customer_id, branch_id, -dep_bal, 0, 0, 0
    from ind_balances_month

    union all

    select customer_id, branch_id, 0, -dep_bal, 0, 0
    from ind_balances_year

    union all

    select customer_id, branch_id, 0, 0, interest_m, interest_y
    from int_booking_sums
    where interest_m > 0 or interest_y > 0
)

select
    customer_id,
    branch_id,
    cast(sum(interest_m) as decimal(18,2)) as dep_interest_m,
    cast(sum(interest_y) as decimal(18,2)) as dep_interest_y,
    cast(sum(change_m) - sum(interest_m) as decimal(18,2)) as dep_new_money_m,
    cast(sum(change_y) - sum(interest_y) as decimal(18,2)) as dep_new_money_y
from parts
group by customer_id, branch_id
