/*---
description: Deposit indicators of a customer in the whole union.
kind: indicator
partition: as_of
key: [customer_id]
audits:
  - {assert: "dep_bal = dep_demand_bal + dep_time_bal + dep_cert_bal"}
  - equal_sums:
      with: ind_deposits_branch
      by: [customer_id]
      columns: [dep_bal, dep_chg_d, dep_chg_m, dep_chg_y, dep_acct_cnt, dep_maturing_30d]
  - {row_count_drift: {max_pct: 20}, severity: warn}
---*/
-- One row per customer that has or had a deposit account. Averages are divided once, here, and so
-- are not the sum of the branches' rounded ones.
with sums as (
    select
        customer_id,
        sum(dep_bal) as dep_bal,
        sum(recent_balance_days) as recent_balance_days,
        sum(month_balance_days) as month_balance_days,
        sum(year_balance_days) as year_balance_days,
        sum(dep_chg_d) as dep_chg_d,
        sum(dep_chg_m) as dep_chg_m,
        sum(dep_chg_y) as dep_chg_y,
        sum(dep_demand_bal) as dep_demand_bal,
        sum(dep_time_bal) as dep_time_bal,
        sum(dep_cert_bal) as dep_cert_bal,
        sum(dep_acct_cnt) as dep_acct_cnt,
        sum(dep_maturing_30d) as dep_maturing_30d
    from ind_deposits_branch
    group by customer_id
),

starts as (
    select
        greatest($first_day, cast(date_trunc('month', $bd) as date)) as month_start,
        greatest($first_day, cast(date_trunc('year', $bd) as date)) as year_start
)

select
    sums.customer_id,
    cast(sums.dep_bal as decimal(18,2)) as dep_bal,
    average(sums.recent_balance_days, param('coverage.averaging_days')) as dep_avg_30d,
    average(sums.month_balance_days, $bd - starts.month_start + 1) as dep_avg_m,
    average(sums.year_balance_days, $bd - starts.year_start + 1) as dep_avg_y,
    cast(sums.dep_chg_d as decimal(18,2)) as dep_chg_d,
    cast(sums.dep_chg_m as decimal(18,2)) as dep_chg_m,
    cast(sums.dep_chg_y as decimal(18,2)) as dep_chg_y,
    cast(sums.dep_demand_bal as decimal(18,2)) as dep_demand_bal,
    cast(sums.dep_time_bal as decimal(18,2)) as dep_time_bal,
    cast(sums.dep_cert_bal as decimal(18,2)) as dep_cert_bal,
    cast(sums.dep_acct_cnt as bigint) as dep_acct_cnt,
    cast(sums.dep_maturing_30d as decimal(18,2)) as dep_maturing_30d
from sums
cross join starts
