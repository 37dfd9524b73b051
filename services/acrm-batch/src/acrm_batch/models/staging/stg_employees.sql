/*---
description: >-
  People who work at the bank. A branch's virtual manager is not an employee.
kind: staging
key: [employee_id]
---*/
-- One row per employee_id, as it stands on the business date.
select
    employee_id,
    name,
    home_org_id,
    hired_on,
    left_on
from landing.employees
