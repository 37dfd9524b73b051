/*---
description: >-
  Who may act as what, where, from when until (not including) when.
kind: staging
key: [employee_id, org_id, role, effective_from]
---*/
-- One row per employee_id and org_id and role and effective_from, as it stands on the business date.
select
    employee_id,
    org_id,
    role,
    effective_from,
    effective_until
from landing.employee_roles
