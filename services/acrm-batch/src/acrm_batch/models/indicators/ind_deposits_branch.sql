/*---
description: Deposit indicators of a customer at a branch.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch that has or had a deposit account.
with accounts as (
    select
        customer_id,
        branch_id,
        coalesce(sum(balance) filter (where is_open), 0) as balance,
        sum(balance - yesterday_balance) as change_day,
        sum(balance - month_start_balance) as change_month,
        sum(balance - year_start_balance) as change_year,
        sum(month_balance_days) as month_balance_days,
        sum(year_balance_days) as year_balance_days,
        coalesce(sum(balance) filter (where is_open and product = 'demand'), 0) as demand,
        coalesce(sum(balance) filter (where is_open and product = 'time'), 0) as time,
        coalesce(sum(balance) filter (where is_open and product = 'certificate'), 0) as certificate,
        count(*) filter (where is_open) as accounts,
        coalesce(sum(balance) filter (
            where is_open and product <> 'demand' and matures_on > $bd and matures_on <= $bd + 30
        ), 0) as maturing
    from int_account_balances
    group by customer_id, branch_id
),

starts as (
    select
        greatest($first_day, cast(date_trunc('month', $bd) as date)) as month_start,
        greatest($first_day, cast(date_trunc('year', $bd) as date)) as year_start
)

select
    accounts.customer_id,
    accounts.branch_id,
    cast(accounts.balance as decimal(18,2)) as dep_bal,
    average(coalesce(recent.balance_days, 0), param('coverage.averaging_days')) as dep_avg_30d,
    average(accounts.month_balance_days, $bd - starts.month_start + 1) as dep_avg_m,
    average(accounts.year_balance_days, $bd - starts.year_start + 1) as dep_avg_y,
    cast(accounts.change_day as decimal(18,2)) as dep_chg_d,
    cast(accounts.change_month as decimal(18,2)) as dep_chg_m,
    cast(accounts.change_year as decimal(18,2)) as dep_chg_y,
    cast(accounts.demand as decimal(18,2)) as dep_demand_bal,
    cast(accounts.time as decimal(18,2)) as dep_time_bal,
    cast(accounts.certificate as decimal(18,2)) as dep_cert_bal,
    accounts.accounts as dep_acct_cnt,
    cast(accounts.maturing as decimal(18,2)) as dep_maturing_30d,
    coalesce(recent.balance_days, 0) as recent_balance_days,
    accounts.month_balance_days,
    accounts.year_balance_days
from accounts
cross join starts
left join int_branch_averages as recent
    on recent.customer_id = accounts.customer_id and recent.branch_id = accounts.branch_id
