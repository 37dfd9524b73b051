/*---
description: Delivered amounts that cannot be right, or are worth a look.
kind: check
partition: as_of
key: [source, row_id, names, amount]
window: {stg_transactions: 1, stg_card_transactions: 1}
audits:
  - {assert: "fault = 'overdrawn'"}
  - {assert: "fault <> 'overdrawn'", severity: warn}
---*/
-- One row per such amount; `row_id` is the first column of the row's key, and of several rows with
-- the same one and the same amount is told. The contract says that amounts are positive and
-- `direction` gives the sign: what is negative all the same would be counted the wrong way round and
-- blocks, as does what no customer of a rural bank has, 100 billion: an amount in cents, or two
-- amounts run together. An overdrawn account is possible and only told; a card of which more was paid
-- than was owed, and its statement, are nothing unusual.
with amounts as (
    select 'balances' as source, account_id as row_id, 'balance' as names, balance as amount
    from stg_balances
    union all
    select 'loans', loan_id, 'balance', balance from stg_loans
    union all
    select 'loans', loan_id, 'amount', amount from stg_loans
    union all
    select 'loans', loan_id, 'credit_line', credit_line from stg_loans
    union all
    select 'loans', loan_id, 'interest_arrears', interest_arrears from stg_loans
    union all
    select 'loans', loan_id, 'next_due_amount', next_due_amount from stg_loans
    union all
    select 'loan_schedules', loan_id, 'principal', principal from stg_loan_schedules
    union all
    select 'loan_schedules', loan_id, 'interest', interest from stg_loan_schedules
    union all
    select 'credit_cards', card_id, 'credit_limit', credit_limit from stg_credit_cards
    union all
    select 'credit_cards', card_id, 'balance', balance from stg_credit_cards
    union all
    select 'card_statements', card_id, 'amount', amount from stg_card_statements
    union all
    select 'card_statements', card_id, 'minimum_due', minimum_due from stg_card_statements
    union all
    select 'card_transactions', card_txn_id, 'amount', amount from stg_card_transactions
    union all
    select 'wealth_holdings', holding_id, 'amount', amount from stg_wealth_holdings
    union all
    select 'standing_orders', order_id, 'amount', amount from stg_standing_orders
    union all
    select 'transactions', txn_id, 'amount', amount from stg_transactions
)

select distinct
    source,
    row_id,
    names,
    amount,
    case
        when abs(amount) >= 100000000000 then 'absurd'
        when source = 'balances' then 'overdrawn'
        else 'negative'
    end as fault
from amounts
where
    abs(amount) >= 100000000000
    or amount < 0
    and not (source = 'credit_cards' and names = 'balance')
    and not (source = 'card_statements' and names = 'amount')
