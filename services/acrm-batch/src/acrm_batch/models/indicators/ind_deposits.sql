/*---
description: A customer's deposits at a branch over time, what falls due, and what is taken up.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
window: {stg_balance_history: month}
audits:
  - {assert: "dep_taken_up_m <= dep_matured_m and dep_taken_up_y <= dep_matured_y"}
---*/
-- One row per customer and branch that has or had a deposit account. Averages are kept as sums of
-- balance times days and divided once, at the grain that asks.
with held as (
    select
        *,
        is_open and product <> 'demand' as is_open_term,
        product <> 'demand' and matures_on >= date_trunc('month', $bd) and matures_on <= $bd
            as is_matured,
        product <> 'demand' and matures_on >= date_trunc('year', $bd) and matures_on <= $bd
            as is_matured_this_year
    from int_account_balances
),

spans as (
    select
        history.account_id,
        held.matures_on,
        history.balance,
        history.business_date as from_on,
        lead(history.business_date, 1, $bd + 1) over (
            partition by history.account_id order by history.business_date
        ) as until_on
    from stg_balance_history as history
    inner join held on held.account_id = history.account_id
    where held.is_matured
),

-- What lay on an account at the end of the day before it matured.
matured as (
    select account_id, matures_on, balance
    from spans
    where from_on < matures_on and until_on >= matures_on
),

-- The year until the last month end is carried by int_matured_years.
matured_this_year as (
    select account_id, sum(balance) as balance
    from (
        select matured.account_id, matured.balance
        from matured
        cross join (select max(month_end) as month_end from int_matured_years) as carried
        where not coalesce(matured.matures_on <= carried.month_end, false)
        union all
        select account_id, balance
        from int_matured_years
        where year(month_end) = year($bd)
    ) as of_year
    group by account_id
),

accounts as (
    select
        held.customer_id,
        held.branch_id,
        sum(held.month_balance_days) as month_balance_days,
        sum(held.year_balance_days) as year_balance_days,
        coalesce(sum(held.month_balance_days) filter (where held.product = 'demand'), 0)
            as demand_month_days,
        coalesce(sum(held.year_balance_days) filter (where held.product = 'demand'), 0)
            as demand_year_days,
        coalesce(sum(held.month_balance_days) filter (where held.product = 'time'), 0)
            as time_month_days,
        coalesce(sum(held.year_balance_days) filter (where held.product = 'time'), 0)
            as time_year_days,
        coalesce(sum(held.month_balance_days) filter (where held.product = 'certificate'), 0)
            as cert_month_days,
        coalesce(sum(held.year_balance_days) filter (where held.product = 'certificate'), 0)
            as cert_year_days,
        sum(case when held.is_open_term and held.matures_on > $bd
            and held.matures_on <= $bd + 30 then held.balance end) as dep_maturing_30d,
        sum(case when held.is_open_term and held.matures_on > $bd
            and held.matures_on <= $bd + 90 then held.balance end) as dep_maturing_90d,
        count(*) filter (where held.is_open and held.opened_on >= date_trunc('month', $bd))
            as dep_opened_m,
        count(*) filter (
            where held.closed_on <= $bd and held.closed_on >= date_trunc('month', $bd)
        ) as dep_closed_m,
        min(case when held.is_open then held.opened_on end) as dep_first_opened_on,
        min(case when held.is_open_term and held.matures_on > $bd then held.matures_on end)
            as dep_next_matures_on,
        count(*) filter (where held.is_open and held.product = 'demand') as dep_demand_cnt,
        count(*) filter (where held.is_open and held.product = 'time') as dep_time_cnt,
        count(*) filter (where held.is_open and held.product = 'certificate') as dep_cert_cnt,
        sum(matured.balance) as dep_matured_m,
        sum(matured_this_year.balance) as dep_matured_y,
        min(case when held.is_matured then held.matures_on end) as first_matured_on,
        min(case when held.is_matured_this_year then held.matures_on end) as first_of_year_on
    from held
    left join matured on matured.account_id = held.account_id
    left join matured_this_year on matured_this_year.account_id = held.account_id
    group by held.customer_id, held.branch_id
),

-- What lies on term deposits opened since the first of the month's and of the year's maturities.
placed_again as (
    select
        held.customer_id,
        held.branch_id,
        sum(case when held.opened_on >= accounts.first_matured_on then held.balance end)
            as month_amount,
        sum(held.balance) as year_amount
    from held
    inner join accounts
        on accounts.customer_id = held.customer_id and accounts.branch_id = held.branch_id
    where held.is_open_term and held.opened_on >= accounts.first_of_year_on
    group by held.customer_id, held.branch_id
)

select
    accounts.customer_id,
    accounts.branch_id,
    coalesce(recent.balance_days, 0) as recent_balance_days,
    accounts.month_balance_days,
    accounts.year_balance_days,
    accounts.demand_month_days,
    accounts.demand_year_days,
    accounts.time_month_days,
    accounts.time_year_days,
    accounts.cert_month_days,
    accounts.cert_year_days,
    cast(coalesce(accounts.dep_maturing_30d, 0) as decimal(18,2)) as dep_maturing_30d,
    cast(coalesce(accounts.dep_maturing_90d, 0) as decimal(18,2)) as dep_maturing_90d,
    accounts.dep_opened_m,
    accounts.dep_closed_m,
    accounts.dep_first_opened_on,
    accounts.dep_next_matures_on,
    accounts.dep_demand_cnt,
    accounts.dep_time_cnt,
    accounts.dep_cert_cnt,
    cast(coalesce(accounts.dep_matured_m, 0) as decimal(18,2)) as dep_matured_m,
    cast(least(coalesce(accounts.dep_matured_m, 0), coalesce(placed_again.month_amount, 0))
        as decimal(18,2)) as dep_taken_up_m,
    cast(coalesce(accounts.dep_matured_y, 0) as decimal(18,2)) as dep_matured_y,
    cast(least(coalesce(accounts.dep_matured_y, 0), coalesce(placed_again.year_amount, 0))
        as decimal(18,2)) as dep_taken_up_y
from accounts
left join placed_again
    on placed_again.customer_id = accounts.customer_id and placed_again.branch_id = accounts.branch_id
left join int_branch_averages as recent
    on recent.customer_id = accounts.customer_id and recent.branch_id = accounts.branch_id
