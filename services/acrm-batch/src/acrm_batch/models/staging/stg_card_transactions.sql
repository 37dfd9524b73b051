/*---
description: >-
  Spending (debit) on and repayments (credit) to credit cards.
kind: staging
key: [card_txn_id]
---*/
-- One row per card_txn_id of the window.
select
    card_txn_id,
    card_id,
    customer_id,
    booked_at,
    bank_date(booked_at) as booked_on,
    direction,
    amount,
    category
from landing.card_transactions
