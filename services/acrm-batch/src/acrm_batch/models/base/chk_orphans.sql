/*---
description: Delivered rows that name a customer, account, loan or branch that nobody delivered.
kind: check
partition: as_of
key: [source, row_id, names]
window: {stg_transactions: 1, stg_loan_events: 1}
audits:
  - {accepted: {source: [loan_events, wealth_holdings]}}
  - {assert: "source is null", severity: warn}
---*/
-- One row per row and name that leads nowhere. Models join along these names, so what such a row
-- carries would be missing from every figure without a word: customers, accounts, loans, cards,
-- balances and bookings block; a holding or an event of a loan is only told.
with customers as (
    select 'deposit_accounts' as source, account_id as row_id, customer_id from stg_deposit_accounts
    union all
    select 'loans', loan_id, customer_id from stg_loans
    union all
    select 'credit_cards', card_id, customer_id from stg_credit_cards
    union all
    select 'wealth_holdings', holding_id, customer_id from stg_wealth_holdings
),

accounts as (
    select 'balances' as source, account_id as row_id, account_id from stg_balances
    union all
    select 'transactions', txn_id, account_id from stg_transactions
),

branches as (
    select 'deposit_accounts' as source, account_id as row_id, branch_id from stg_deposit_accounts
    union all
    select 'loans', loan_id, branch_id from stg_loans
    union all
    select 'credit_cards', card_id, branch_id from stg_credit_cards
    union all
    select 'customers', customer_id, home_branch_id from stg_customers
)

select
    named.source,
    named.row_id,
    'customer_id' as names,
    cast(named.customer_id as varchar) as missing
from customers as named
left join stg_customers as known on known.customer_id = named.customer_id
where known.customer_id is null
union all
select named.source, named.row_id, 'account_id', cast(named.account_id as varchar)
from accounts as named
left join stg_deposit_accounts as known on known.account_id = named.account_id
where known.account_id is null
union all
select named.source, named.row_id, 'loan_id', cast(named.loan_id as varchar)
from (select 'loan_events' as source, event_no as row_id, loan_id from stg_loan_events) as named
left join stg_loans as known on known.loan_id = named.loan_id
where known.loan_id is null
union all
select named.source, named.row_id, 'branch_id', named.branch_id
from branches as named
left join stg_org_units as known on known.org_id = named.branch_id
where known.org_id is null
