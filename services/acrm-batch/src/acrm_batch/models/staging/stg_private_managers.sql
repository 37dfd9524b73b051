/*---
description: >-
  Private managers that the OCRM assigned to key customers, until (not including) `ended_on`.
kind: staging
key: [customer_id]
---*/
-- One row per customer_id, as it stands on the business date.
select
    customer_id,
    manager_id,
    assigned_on,
    ended_on
from landing.private_managers
