/*---
description: An account's branch and balance, and its year in balance times days, carried from month end to month end.
kind: base
partition: month_end
key: [account_id]
window: {stg_balance_history: month_end}
before:
  account_id: bigint
  branch_id: varchar
  balance: decimal(18,2)
  year_balance_days: decimal(38,2)
  month_end: date
---*/
-- One row per account whose balance was ever delivered: what the year is made of until the month
-- end, so that a night reads the balances since the last one and not those of the year. Branch and
-- balance, and those of the month end before, say what an account that changed its branch took along.
with since as (
    select
        coalesce(year(max(month_end)) = year($bd), false) as is_same_year,
        -- The first day that is not in what is carried, or the first of the year.
        greatest(
            $first_day, cast(date_trunc('year', $bd) as date), coalesce(max(month_end) + 1, $first_day)
        ) as counted_from
    from int_account_years_before
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
        sum(balance) filter (where until_on > $bd) as balance,
        sum(cast(balance as decimal(38,2))
            * cast(overlap_days(from_on, until_on, counted_from, $bd) as integer))
            as balance_days
    from spans
    cross join since
    group by account_id
)

select
    figures.account_id,
    account.branch_id,
    cast(coalesce(figures.balance, 0) as decimal(18,2)) as balance,
    earlier.branch_id as previous_branch_id,
    earlier.balance as previous_balance,
    cast(figures.balance_days + case
        when since.is_same_year then coalesce(earlier.year_balance_days, 0) else 0
    end as decimal(38,2)) as year_balance_days,
    $bd as month_end
from figures
cross join since
left join stg_deposit_accounts as account on account.account_id = figures.account_id
left join int_account_years_before as earlier on earlier.account_id = figures.account_id
