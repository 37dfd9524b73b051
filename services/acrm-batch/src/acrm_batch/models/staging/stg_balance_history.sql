/*---
description: >-
  End-of-day balances as delivered, from the last full delivery before the window on.
kind: staging
key: [account_id, business_date]
---*/
-- One row per account_id and day on which its balance was delivered.
select
    account_id,
    balance,
    business_date
from landing.balances_history
