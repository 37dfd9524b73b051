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
with entities as (
    select distinct legal_entity_id from int_lead_customers
),

limits as (
    select
        legal_entity_id,
        $bd - cast(param('coverage.reclaim_days', legal_entity_id) as integer) as reclaim_on
    from entities
),

maintained as (
    select distinct contact.customer_id
    from stg_contacts as contact
    inner join int_lead_customers as customer on customer.customer_id = contact.customer_id
    inner join limits on limits.legal_entity_id = customer.legal_entity_id
    where
        contact.contacted_on > limits.reclaim_on
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
inner join limits on limits.legal_entity_id = customer.legal_entity_id
left join maintained on maintained.customer_id = customer.customer_id
where
    customer.manager_from = 'head'
    and customer.assigned_on <= limits.reclaim_on
    and $first_day <= limits.reclaim_on + 1
    and maintained.customer_id is null
