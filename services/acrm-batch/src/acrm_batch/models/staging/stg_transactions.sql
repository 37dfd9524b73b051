/*---
description: >-
  The deposit ledger. `counterparty_bank` is empty within the bank. Entries of one `journal_id` and the general ledger's of the day balance to zero.
kind: staging
key: [txn_id]
---*/
-- One row per txn_id of the window.
select
    txn_id,
    journal_id,
    account_id,
    customer_id,
    branch_id,
    booked_at,
    bank_date(booked_at) as booked_on,
    direction,
    amount,
    currency,
    channel,
    txn_type,
    counterparty_account,
    counterparty_bank,
    reverses_txn_id
from landing.transactions
