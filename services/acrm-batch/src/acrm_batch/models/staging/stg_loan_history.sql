/*---
description: >-
  Loans as delivered, from the last full delivery before the window on.
kind: staging
key: [loan_id, business_date]
---*/
-- One row per loan_id and day on which it was delivered.
select
    loan_id,
    balance,
    status,
    business_date
from landing.loans_history
