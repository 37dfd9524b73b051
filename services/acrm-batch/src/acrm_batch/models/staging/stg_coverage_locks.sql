/*---
description: >-
  Manual assignments taken over from the former system: lead branch and manager stay until (not including) `locked_until`.
kind: staging
key: [customer_id]
---*/
-- One row per customer_id, as it stands on the business date.
select
    customer_id,
    branch_id,
    manager_id,
    locked_on,
    locked_until,
    reason
from landing.coverage_locks
