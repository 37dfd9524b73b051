/*---
description: Reconciliation of published customers' balances with the accounts, loans, cards and holdings delivered, in the whole union.
kind: check
partition: as_of
key: [total]
audits:
  - {assert: "published + inactive = delivered"}
---*/
-- One row per balance: that of active customers as published, and of the rows delivered for the day
-- those of inactive customers and all. They come here by no other model than staging.
with delivered as (
    select
        account.customer_id,
        'deposits' as book,
        balance.balance as amount
    from stg_balances as balance
    inner join stg_deposit_accounts as account on account.account_id = balance.account_id
    where account.opened_on <= $bd and not coalesce(account.closed_on <= $bd, false)
    union all
    select customer_id, 'loans', balance from stg_loans where status = 'running'
    union all
    select customer_id, 'cards', balance
    from stg_credit_cards
    where card_type = 'credit' and issued_on <= $bd and not coalesce(closed_on <= $bd, false)
    union all
    select customer_id, 'held', amount
    from stg_wealth_holdings
    where bought_on <= $bd and not coalesce(ended_on <= $bd, false)
),

sums as (
    select
        delivered.book,
        sum(delivered.amount) as amount,
        sum(case when coalesce(customer.status, '') <> 'active' then delivered.amount end)
            as inactive
    from delivered
    left join stg_customers as customer on customer.customer_id = delivered.customer_id
    group by delivered.book
),

published as (
    select
        sum(dep_bal) as dep_bal,
        sum(loan_bal) as loan_bal,
        sum(card_bal) as card_bal,
        sum(aum_bal) as aum_bal
    from mart_customers
),

totals as (
    select 'deposits' as total, 'deposits' as book, dep_bal as published from published
    union all
    select 'loans', 'loans', loan_bal from published
    union all
    select 'cards', 'cards', card_bal from published
    union all
    select 'assets', 'deposits', aum_bal from published
    union all
    select 'assets', 'held', 0 from published
)

select
    totals.total,
    cast(sum(coalesce(totals.published, 0)) as decimal(18,2)) as published,
    cast(sum(coalesce(sums.inactive, 0)) as decimal(18,2)) as inactive,
    cast(sum(coalesce(sums.amount, 0)) as decimal(18,2)) as delivered
from totals
left join sums on sums.book = totals.book
group by totals.total
