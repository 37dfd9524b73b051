/*---
description: Deposit accounts with point balances and sums of balance times days.
kind: base
partition: as_of
key: [account_id]
window: {stg_balance_history: month}
audits:
  - {not_null: [customer_id, branch_id]}
  - {assert: "is_open or balance = 0"}
  - {row_count_drift: {max_pct: 20}, severity: warn}
  - {mean_drift: {columns: [balance], max_pct: 20}, severity: warn}
---*/
-- One row per deposit account, open or closed. A balance holds from the day it was delivered until
-- the next one, so that averages come from intervals and not from a row per account and day. An
-- account whose balance was never delivered is not known and counts 0. The year until the last
-- month end is carried by int_account_years.
with since as (
    select
        coalesce(year(max(month_end)) = year($bd), false) as is_same_year,
        -- The first day that is not in what is carried, or the first of the year.
        greatest(
            $first_day, cast(date_trunc('year', $bd) as date), coalesce(max(month_end) + 1, $first_day)
        ) as counted_from
    from int_account_years
),

spans as (
    select
        account_id,
        balance,
        business_date as from_on,
        lead(business_date, 1, $bd + 1) over (
            partition by account_id order by business_date
        ) as until_on
    from stg_balance_history
),

figures as (
    select
        account_id,
        coalesce(sum(balance) filter (where until_on > $bd), 0) as balance,
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
    group by account_id
)

select
    account.account_id,
    account.customer_id,
    account.branch_id,
    account.product,
    account.currency,
    account.rate,
    account.opened_on,
    account.matures_on,
    account.closed_on,
    account.opened_on <= $bd and not coalesce(account.closed_on <= $bd, false) as is_open,
    figures.account_id is not null as is_known,
    cast(coalesce(figures.balance, 0) as decimal(18,2)) as balance,
    coalesce(figures.month_balance_days, 0) as month_balance_days,
    coalesce(figures.counted_balance_days, 0)
        + case when since.is_same_year then coalesce(years.year_balance_days, 0) else 0 end
        as year_balance_days
from stg_deposit_accounts as account
cross join since
left join figures on figures.account_id = account.account_id
left join int_account_years as years on years.account_id = account.account_id
