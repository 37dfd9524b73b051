/*---
description: Customers whom their manager has not seen or called for too long.
kind: base
partition: as_of
key: [customer_id]
window: {stg_contacts: coverage.reclaim_days}
---*/
-- One row per proposal to take a customer back to the branch: given by its head longer ago than the
-- days, and no visit or call that reached the customer within them, although all those days are
-- known. A contact that does not say who made it counts for the manager.
with maintained as (
    select distinct contact.customer_id
    from stg_contacts as contact
    inner join int_lead_customers as customer on customer.customer_id = contact.customer_id
    where
        contact.contacted_on > $bd - param('coverage.reclaim_days')
        and contact.contacted_on <= $bd
        and contact.channel in ('visit', 'call')
        and coalesce(contact.result, '') <> 'not_reached'
        and coalesce(contact.employee_id, '') in ('', customer.manager_id)
)

select
    customer.customer_id,
    customer.branch_id,
    customer.manager_id,
    'V:' || customer.branch_id as to_manager_id,
    customer.deposit_balance,
    customer.loan_balance,
    customer.assigned_on
from int_lead_customers as customer
left join maintained on maintained.customer_id = customer.customer_id
where
    customer.manager_from = 'head'
    and customer.assigned_on <= $bd - param('coverage.reclaim_days')
    and $first_day <= $bd - param('coverage.reclaim_days') + 1
    and maintained.customer_id is null
