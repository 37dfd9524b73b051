/*---
description: Reconciliation of published customers' balances with the accounts, loans, cards and holdings, in the whole union.
kind: check
partition: as_of
key: [total]
audits:
  - {assert: "published + inactive = delivered"}
---*/
-- One row per balance: that of active customers as published, of inactive ones, and of all that is
-- open, running or held.
with inactive as (
    select
        sum(dep_bal) as dep_bal,
        sum(loan_bal) as loan_bal,
        sum(card_bal) as card_bal,
        sum(aum_bal) as aum_bal
    from ind_balances
    where customer_id not in (select customer_id from int_customers)
),

published as (
    select
        sum(dep_bal) as dep_bal,
        sum(loan_bal) as loan_bal,
        sum(card_bal) as card_bal,
        sum(aum_bal) as aum_bal
    from mart_customers
),

delivered as (
    select
        (select sum(balance) from int_account_balances where is_open) as deposits,
        (select sum(balance) from stg_loans where status = 'running') as loans,
        (
            select sum(balance)
            from stg_credit_cards
            where
                card_type = 'credit'
                and issued_on <= $bd
                and not coalesce(closed_on <= $bd, false)
        ) as cards,
        (
            select sum(amount)
            from stg_wealth_holdings
            where bought_on <= $bd and not coalesce(ended_on <= $bd, false)
        ) as held
),

totals as (
    select 'deposits' as total, published.dep_bal as published, inactive.dep_bal as inactive,
        delivered.deposits as delivered
    from published cross join inactive cross join delivered
    union all
    select 'loans', published.loan_bal, inactive.loan_bal, delivered.loans
    from published cross join inactive cross join delivered
    union all
    select 'cards', published.card_bal, inactive.card_bal, delivered.cards
    from published cross join inactive cross join delivered
    union all
    select 'assets', published.aum_bal, inactive.aum_bal,
        coalesce(delivered.deposits, 0) + coalesce(delivered.held, 0)
    from published cross join inactive cross join delivered
)

select
    total,
    cast(coalesce(published, 0) as decimal(18,2)) as published,
    cast(coalesce(inactive, 0) as decimal(18,2)) as inactive,
    cast(coalesce(delivered, 0) as decimal(18,2)) as delivered
from totals
