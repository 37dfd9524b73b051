/*---
description: >-
  Reminders of the OCRM that were done or expired, at the branch and manager that had them.
kind: staging
key: [customer_id, reminder_id, ended_at]
---*/
-- One row per reminder that came to its end in the window; one raised again may do so twice.
select
    reminder_id,
    rule_code,
    customer_id,
    branch_id,
    manager_id,
    ended_at,
    bank_date(ended_at) as ended_on,
    minutes_open,
    state,
    outcome
from landing.reminder_outcomes
