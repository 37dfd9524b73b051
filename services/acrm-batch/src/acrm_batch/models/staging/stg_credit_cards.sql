/*---
description: >-
  Cards as they stand; `balance` is the amount owed. Only `credit` cards count as credit business.
kind: staging
key: [card_id]
---*/
-- One row per card_id, as it stands on the business date.
select
    card_id,
    customer_id,
    branch_id,
    manager_id,
    account_id,
    card_type,
    product,
    credit_limit,
    balance,
    statement_day,
    overdue_periods,
    issued_on,
    activated_on,
    closed_on
from landing.credit_cards
