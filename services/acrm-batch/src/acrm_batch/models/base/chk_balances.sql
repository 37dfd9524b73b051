/*---
description: Reconciliation of the balances published of branches, legal entities and the union with the accounts, loans, cards and holdings delivered.
kind: check
partition: as_of
key: [org_id]
audits:
  - {assert: "dep_bal = deposits"}
  - {assert: "loan_bal = loans"}
  - {assert: "loan_arrears = arrears"}
  - {assert: "card_bal = cards"}
  - {assert: "wealth_bal = wealth"}
  - {assert: "fund_bal = funds"}
  - {assert: "insurance_bal = insurance"}
  - {assert: "aum_bal = deposits + wealth + funds + insurance"}
---*/
-- One row per open organisation unit: what is published of it, beside the sums of the rows delivered
-- for the day, which come here by no other model than staging. What a closed branch still has is
-- with its legal entity and the union.
with delivered as (
    select
        account.branch_id,
        'deposits' as book,
        balance.balance as amount
    from stg_balances as balance
    inner join stg_deposit_accounts as account on account.account_id = balance.account_id
    where account.opened_on <= $bd and not coalesce(account.closed_on <= $bd, false)
    union all
    select branch_id, 'loans', balance from stg_loans where status = 'running'
    union all
    select branch_id, 'arrears', interest_arrears from stg_loans where status = 'running'
    union all
    select branch_id, 'cards', balance
    from stg_credit_cards
    where card_type = 'credit' and issued_on <= $bd and not coalesce(closed_on <= $bd, false)
    union all
    select branch_id, kind, amount
    from stg_wealth_holdings
    where bought_on <= $bd and not coalesce(ended_on <= $bd, false)
),

branches as (
    select
        branch_id,
        sum(case when book = 'deposits' then amount end) as deposits,
        sum(case when book = 'loans' then amount end) as loans,
        sum(case when book = 'arrears' then amount end) as arrears,
        sum(case when book = 'cards' then amount end) as cards,
        sum(case when book = 'wealth' then amount end) as wealth,
        sum(case when book = 'fund' then amount end) as funds,
        sum(case when book = 'insurance' then amount end) as insurance
    from delivered
    group by branch_id
),

units as (
    select org_id, org_id as branch_id from stg_org_units where org_type = 'branch'
    union all
    select parent_id, org_id from stg_org_units where org_type = 'branch'
    union all
    -- Also what a branch has that is unknown, which only a warning tells of holdings.
    select top.org_id, branches.branch_id
    from stg_org_units as top
    cross join branches
    where top.org_type = 'union'
),

sums as (
    select
        units.org_id,
        sum(branches.deposits) as deposits,
        sum(branches.loans) as loans,
        sum(branches.arrears) as arrears,
        sum(branches.cards) as cards,
        sum(branches.wealth) as wealth,
        sum(branches.funds) as funds,
        sum(branches.insurance) as insurance
    from branches
    inner join units on units.branch_id = branches.branch_id
    group by units.org_id
)

select
    mart.org_id,
    mart.dep_bal,
    mart.loan_bal,
    mart.loan_arrears,
    mart.card_bal,
    mart.wealth_bal,
    mart.fund_bal,
    mart.insurance_bal,
    mart.aum_bal,
    cast(coalesce(sums.deposits, 0) as decimal(18,2)) as deposits,
    cast(coalesce(sums.loans, 0) as decimal(18,2)) as loans,
    cast(coalesce(sums.arrears, 0) as decimal(18,2)) as arrears,
    cast(coalesce(sums.cards, 0) as decimal(18,2)) as cards,
    cast(coalesce(sums.wealth, 0) as decimal(18,2)) as wealth,
    cast(coalesce(sums.funds, 0) as decimal(18,2)) as funds,
    cast(coalesce(sums.insurance, 0) as decimal(18,2)) as insurance
from mart_organisations as mart
left join sums on sums.org_id = mart.org_id
