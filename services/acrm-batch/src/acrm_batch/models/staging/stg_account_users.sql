/*---
description: >-
  Who may use an account. Never sum money over this table: the holder owns it once.
kind: staging
key: [account_id, customer_id]
---*/
-- One row per account_id and customer_id, as it stands on the business date.
select
    account_id,
    customer_id,
    role,
    effective_from,
    effective_until
from landing.account_users
