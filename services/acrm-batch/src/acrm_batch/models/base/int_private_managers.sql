/*---
description: The private manager of a key customer.
kind: base
partition: as_of
key: [customer_id]
---*/
-- One row per key customer with a private manager who is in office. Rule: docs/rules.md. Somebody who
-- is no key customer any more has none, whatever was assigned; an empty manager is nobody.
select
    given.customer_id,
    given.manager_id,
    given.assigned_on
from stg_private_managers as given
inner join int_key_customers as key_customer on key_customer.customer_id = given.customer_id
left join stg_employees as employee on employee.employee_id = given.manager_id
where
    given.manager_id <> ''
    and given.assigned_on <= $bd
    and not coalesce(given.ended_on <= $bd, false)
    and not coalesce(employee.left_on <= $bd, false)
