/*---
description: >-
  Which manager a branch's head gave the customer to; a branch without a row leaves the customer to its virtual manager.
kind: staging
key: [customer_id, branch_id]
---*/
-- One row per customer_id and branch_id, as it stands on the business date.
select
    customer_id,
    branch_id,
    manager_id,
    assigned_on
from landing.coverage_managers
