/*---
description: >-
  Instalments of every loan; unpaid while `paid_on` is empty.
kind: staging
key: [loan_id, instalment_no]
---*/
-- One row per loan_id and instalment_no, as it stands on the business date.
select
    loan_id,
    instalment_no,
    due_on,
    principal,
    interest,
    paid_on
from landing.loan_schedules
