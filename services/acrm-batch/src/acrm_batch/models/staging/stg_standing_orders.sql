/*---
description: >-
  Standing orders to pay from an account.
kind: staging
key: [order_id]
---*/
-- One row per order_id, as it stands on the business date.
select
    order_id,
    account_id,
    counterparty_bank,
    counterparty_account,
    amount,
    purpose
from landing.standing_orders
