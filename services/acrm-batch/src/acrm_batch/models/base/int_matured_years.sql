/*---
description: What lay on term deposits of the year when they matured, carried from month end to month end.
kind: base
partition: month_end
key: [account_id]
window: {stg_balance_history: month_end}
before:
  account_id: bigint
  balance: decimal(18,2)
  month_end: date
---*/
-- One row per time deposit or certificate that matured in the year until the month end, with what lay
-- there at the end of the day before, so that a night reads the balances since the last month end.
with since as (
    select
        coalesce(year(max(month_end)) = year($bd), false) as is_same_year,
        -- The first day that is not in what is carried, or the first of the year.
        greatest(
            $first_day, cast(date_trunc('year', $bd) as date), coalesce(max(month_end) + 1, $first_day)
        ) as counted_from
    from int_matured_years_before
),

spans as (
    select
        history.account_id,
        account.matures_on,
        history.balance,
        history.business_date as from_on,
        lead(history.business_date, 1, $bd + 1) over (
            partition by history.account_id order by history.business_date
        ) as until_on
    from stg_balance_history as history
    inner join stg_deposit_accounts as account on account.account_id = history.account_id
    where account.product <> 'demand' and account.matures_on <= $bd
),

matured as (
    select spans.account_id, spans.balance
    from spans
    cross join since
    where
        spans.matures_on >= since.counted_from
        and spans.from_on < spans.matures_on
        and spans.until_on >= spans.matures_on

    union all

    select earlier.account_id, earlier.balance
    from int_matured_years_before as earlier
    cross join since
    where since.is_same_year
)

select
    account_id,
    cast(sum(balance) as decimal(18,2)) as balance,
    $bd as month_end
from matured
group by account_id
