/*---
description: What a customer has and owes at a branch at the end of a day.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
audits:
  - {assert: "aum_bal = dep_bal + wealth_bal + fund_bal + insurance_bal"}
  - {assert: "dep_bal = dep_demand_bal + dep_time_bal + dep_cert_bal"}
  - {assert: "loan_cnt >= 0 and card_cnt >= 0 and dep_acct_cnt >= 0"}
  - {row_count_drift: {max_pct: 20}, severity: warn}
  - {mean_drift: {columns: [aum_bal, loan_bal], max_pct: 20}, severity: warn}
---*/
-- One row per customer and branch with an open deposit account, running loan, open credit card or
-- product held. It is made of state alone, so that the state of any day can be compared with.
with deposits as (
    select
        account.customer_id,
        account.branch_id,
        sum(coalesce(balance.balance, 0)) as dep_bal,
        sum(case when account.product = 'demand' then balance.balance end) as dep_demand_bal,
        sum(case when account.product = 'time' then balance.balance end) as dep_time_bal,
        sum(case when account.product = 'certificate' then balance.balance end) as dep_cert_bal,
        count(*) as dep_acct_cnt
    from stg_deposit_accounts as account
    left join stg_balances as balance on balance.account_id = account.account_id
    where account.opened_on <= $bd and not coalesce(account.closed_on <= $bd, false)
    group by account.customer_id, account.branch_id
),

loans as (
    select
        customer_id,
        branch_id,
        sum(balance) as loan_bal,
        sum(credit_line) as loan_line,
        count(*) as loan_cnt,
        sum(interest_arrears) as loan_arrears,
        sum(case when days_overdue > 0 or interest_arrears > 0 then balance end)
            as loan_overdue_bal,
        sum(case when five_tier in ('substandard', 'doubtful', 'loss') then balance end)
            as loan_npl_bal
    from stg_loans
    where status = 'running'
    group by customer_id, branch_id
),

cards as (
    select
        customer_id,
        branch_id,
        count(*) as card_cnt,
        sum(credit_limit) as card_limit,
        sum(balance) as card_bal
    from stg_credit_cards
    where
        card_type = 'credit'
        and issued_on <= $bd
        and not coalesce(closed_on <= $bd, false)
    group by customer_id, branch_id
),

holdings as (
    select
        customer_id,
        branch_id,
        sum(case when kind = 'wealth' then amount end) as wealth_bal,
        sum(case when kind = 'fund' then amount end) as fund_bal,
        sum(case when kind = 'insurance' then amount end) as insurance_bal,
        sum(amount) as invested_bal,
        count(*) as invested_cnt
    from stg_wealth_holdings
    where bought_on <= $bd and not coalesce(ended_on <= $bd, false)
    group by customer_id, branch_id
),

places as (
    select customer_id, branch_id from deposits
    union
    select customer_id, branch_id from loans
    union
    select customer_id, branch_id from cards
    union
    select customer_id, branch_id from holdings
)

select
    places.customer_id,
    places.branch_id,
    cast(coalesce(deposits.dep_bal, 0) as decimal(18,2)) as dep_bal,
    cast(coalesce(deposits.dep_demand_bal, 0) as decimal(18,2)) as dep_demand_bal,
    cast(coalesce(deposits.dep_time_bal, 0) as decimal(18,2)) as dep_time_bal,
    cast(coalesce(deposits.dep_cert_bal, 0) as decimal(18,2)) as dep_cert_bal,
    coalesce(deposits.dep_acct_cnt, 0) as dep_acct_cnt,
    cast(coalesce(loans.loan_bal, 0) as decimal(18,2)) as loan_bal,
    cast(coalesce(loans.loan_line, 0) as decimal(18,2)) as loan_line,
    coalesce(loans.loan_cnt, 0) as loan_cnt,
    cast(coalesce(loans.loan_arrears, 0) as decimal(18,2)) as loan_arrears,
    cast(coalesce(loans.loan_overdue_bal, 0) as decimal(18,2)) as loan_overdue_bal,
    cast(coalesce(loans.loan_npl_bal, 0) as decimal(18,2)) as loan_npl_bal,
    coalesce(cards.card_cnt, 0) as card_cnt,
    cast(coalesce(cards.card_limit, 0) as decimal(18,2)) as card_limit,
    cast(coalesce(cards.card_bal, 0) as decimal(18,2)) as card_bal,
    cast(coalesce(holdings.wealth_bal, 0) as decimal(18,2)) as wealth_bal,
    cast(coalesce(holdings.fund_bal, 0) as decimal(18,2)) as fund_bal,
    cast(coalesce(holdings.insurance_bal, 0) as decimal(18,2)) as insurance_bal,
    coalesce(holdings.invested_cnt, 0) as invested_cnt,
    cast(coalesce(deposits.dep_bal, 0) + coalesce(holdings.invested_bal, 0) as decimal(18,2))
        as aum_bal
from places
left join deposits
    on deposits.customer_id = places.customer_id and deposits.branch_id = places.branch_id
left join loans on loans.customer_id = places.customer_id and loans.branch_id = places.branch_id
left join cards on cards.customer_id = places.customer_id and cards.branch_id = places.branch_id
left join holdings
    on holdings.customer_id = places.customer_id and holdings.branch_id = places.branch_id
