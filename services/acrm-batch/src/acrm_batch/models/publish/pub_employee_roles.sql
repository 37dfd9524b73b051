/*---
description: Roles in force on the date.
kind: publish
partition: as_of
key: [employee_id, org_id, role]
---*/
-- One row per employee, organisation unit and role in force; who left has none.
select distinct
    given.employee_id,
    given.org_id,
    given.role
from stg_employee_roles as given
left join stg_employees as employee on employee.employee_id = given.employee_id
where
    given.effective_from <= $bd
    and not coalesce(given.effective_until <= $bd, false)
    and not coalesce(employee.left_on <= $bd, false)
