/*---
description: Employees on the date.
kind: publish
partition: as_of
key: [employee_id]
---*/
-- One row per employee who works at the bank.
select
    employee_id,
    name,
    home_org_id
from stg_employees
where
    not coalesce(left_on <= $bd, false)
    and not coalesce(hired_on > $bd, false)
