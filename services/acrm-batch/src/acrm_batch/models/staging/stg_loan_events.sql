/*---
description: >-
  What happened to loans that day.
kind: staging
key: [event_no]
---*/
-- One row per event_no of the window.
select
    event_no,
    loan_id,
    customer_id,
    branch_id,
    occurred_at,
    bank_date(occurred_at) as occurred_on,
    change,
    amount,
    days_overdue,
    five_tier_before,
    five_tier_after
from landing.loan_events
