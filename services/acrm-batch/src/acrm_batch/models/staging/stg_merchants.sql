/*---
description: >-
  Merchants whose acquiring turnover is booked to an account.
kind: staging
key: [merchant_id]
---*/
-- One row per merchant_id, as it stands on the business date.
select
    merchant_id,
    customer_id,
    account_id,
    branch_id,
    category,
    signed_on,
    ended_on
from landing.merchants
