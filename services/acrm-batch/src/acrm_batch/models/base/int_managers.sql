/*---
description: Managers whom the heads of branches gave customers to, without those who left.
kind: base
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch that has a manager who still works at the bank.
select
    given.customer_id,
    given.branch_id,
    given.manager_id,
    given.assigned_on
from stg_coverage_managers as given
left join stg_employees as employee on employee.employee_id = given.manager_id
where
    given.manager_id <> ''
    and not coalesce(employee.left_on <= $bd, false)
