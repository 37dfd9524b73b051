/*---
description: A customer's deposits at a branch over time, and what falls due.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch that has or had a deposit account. Averages are kept as sums of
-- balance times days and divided once, at the grain that asks.
with accounts as (
    select
        customer_id,
        branch_id,
        sum(month_balance_days) as month_balance_days,
        sum(year_balance_days) as year_balance_days,
        sum(case when is_open and product <> 'demand' and matures_on > $bd
            and matures_on <= $bd + 30 then balance end) as dep_maturing_30d,
        sum(case when is_open and product <> 'demand' and matures_on > $bd
            and matures_on <= $bd + 90 then balance end) as dep_maturing_90d,
        sum(case when is_open and opened_on >= date_trunc('month', $bd) then 1 else 0 end)
            as dep_opened_m,
        sum(case when closed_on <= $bd and closed_on >= date_trunc('month', $bd) then 1 else 0 end)
            as dep_closed_m,
        min(case when is_open then opened_on end) as dep_first_opened_on,
        min(case when is_open and product <> 'demand' and matures_on > $bd then matures_on end)
            as dep_next_matures_on
    from int_account_balances
    group by customer_id, branch_id
)

select
    accounts.customer_id,
    accounts.branch_id,
    coalesce(recent.balance_days, 0) as recent_balance_days,
    accounts.month_balance_days,
    accounts.year_balance_days,
    cast(coalesce(accounts.dep_maturing_30d, 0) as decimal(18,2)) as dep_maturing_30d,
    cast(coalesce(accounts.dep_maturing_90d, 0) as decimal(18,2)) as dep_maturing_90d,
    cast(accounts.dep_opened_m as bigint) as dep_opened_m,
    cast(accounts.dep_closed_m as bigint) as dep_closed_m,
    accounts.dep_first_opened_on,
    accounts.dep_next_matures_on
from accounts
left join int_branch_averages as recent
    on recent.customer_id = accounts.customer_id and recent.branch_id = accounts.branch_id
