/*---
description: >-
  Deposit accounts; `customer_id` is the holder. Open until `closed_on`; `rate` is a fraction of one per year (0.0135 is 1.35 %).
kind: staging
key: [account_id]
---*/
-- One row per account_id, as it stands on the business date.
select
    account_id,
    customer_id,
    branch_id,
    product,
    currency,
    rate,
    term_months,
    opened_on,
    matures_on,
    closed_on,
    statement_frequency
from landing.deposit_accounts
