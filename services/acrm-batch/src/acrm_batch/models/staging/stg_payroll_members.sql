/*---
description: >-
  Whose salary which business customer pays into which account.
kind: staging
key: [employer_id, customer_id]
---*/
-- One row per employer_id and customer_id, as it stands on the business date.
select
    employer_id,
    customer_id,
    account_id,
    effective_from,
    effective_until
from landing.payroll_members
