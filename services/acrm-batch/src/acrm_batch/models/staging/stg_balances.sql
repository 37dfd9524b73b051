/*---
description: >-
  End-of-day balance = opening + signed sum of transactions, to the cent; an account that is not delivered has not moved.
kind: staging
key: [account_id]
---*/
-- One row per account_id, as it stands on the business date.
select
    account_id,
    balance
from landing.balances
