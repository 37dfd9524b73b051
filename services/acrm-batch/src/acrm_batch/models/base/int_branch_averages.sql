/*---
description: Balance of a customer's open accounts at a branch, and its sum over the averaging days.
kind: base
partition: as_of
key: [customer_id, branch_id]
window: {stg_balance_history: coverage.averaging_days}
---*/
-- One row per customer and branch with an open deposit account. Compared as a sum of balance times
-- days, never as a rounded average. Days before an account was opened count nothing. Of every
-- account one span, the last, reaches beyond the date.
with spans as (
    select
        account_id,
        balance,
        business_date as from_on,
        lead(business_date, 1, $bd + 1) over (
            partition by account_id order by business_date
        ) as until_on
    from stg_balance_history
)

select
    account.customer_id,
    account.branch_id,
    count(*) filter (where coalesce(spans.until_on, $bd + 1) > $bd) as accounts,
    min(account.opened_on) as first_opened_on,
    cast(coalesce(sum(spans.balance) filter (where spans.until_on > $bd), 0) as decimal(18,2))
        as balance,
    coalesce(sum(
        cast(spans.balance as decimal(38,2)) * cast(overlap_days(
            spans.from_on, spans.until_on,
            greatest($bd - param('coverage.averaging_days') + 1, account.opened_on), $bd
        ) as integer)
    ), 0) as balance_days
from stg_deposit_accounts as account
left join spans on spans.account_id = account.account_id
where
    account.opened_on <= $bd
    and not coalesce(account.closed_on <= $bd, false)
group by account.customer_id, account.branch_id
