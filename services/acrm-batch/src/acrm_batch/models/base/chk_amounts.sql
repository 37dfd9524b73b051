/*---
description: Delivered amounts that cannot be right, or are worth a look.
kind: check
partition: as_of
key: [source, row_id]
window: {stg_transactions: 1}
audits:
  - {assert: "fault = 'overdrawn'"}
  - {assert: "fault <> 'overdrawn'", severity: warn}
---*/
-- One row per such amount. The contract says that amounts are positive and `direction` gives the
-- sign: what is negative all the same would be counted the wrong way round and blocks, as does what
-- no customer of a rural bank has, 100 billion: an amount in cents, or two amounts run together. An
-- overdrawn account is possible and only told.
with amounts as (
    select 'balances' as source, account_id as row_id, balance as amount from stg_balances
    union all
    select 'loans', loan_id, balance from stg_loans
    union all
    select 'credit_cards', card_id, credit_limit from stg_credit_cards
    union all
    select 'wealth_holdings', holding_id, amount from stg_wealth_holdings
    union all
    select 'transactions', txn_id, amount from stg_transactions
)

select
    source,
    row_id,
    amount,
    case
        when abs(amount) >= 100000000000 then 'absurd'
        when source = 'balances' then 'overdrawn'
        else 'negative'
    end as fault
from amounts
where amount < 0 or abs(amount) >= 100000000000
