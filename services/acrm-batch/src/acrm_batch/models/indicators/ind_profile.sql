/*---
description: Where a customer is, how much risk he may take, and since when his manager has him.
kind: indicator
partition: as_of
key: [customer_id]
audits:
  - {equal_sums: {with: int_customers, by: [customer_id], columns: [1]}}
---*/
-- One row per active customer. `assigned_on` is known of who was given to the lead manager by the
-- branch's head or by a lock; who leads by a loan or card has none, nor has a virtual manager.
select
    customer.customer_id,
    person.region,
    person.founded_on,
    person.risk_profile as risk_level,
    person.risk_profile_expires_on as risk_expires_on,
    case
        when lead.manager_from = 'head' then given.assigned_on
        when lead.manager_from = 'rule' and lead.rule = 'locked' then lead.locked_on
    end as assigned_on,
    private.manager_id as private_manager
from int_customers as customer
inner join stg_customers as person on person.customer_id = customer.customer_id
inner join int_lead_decisions as lead on lead.customer_id = customer.customer_id
left join int_managers as given
    on given.customer_id = lead.customer_id and given.branch_id = lead.lead_branch_id
left join int_private_managers as private on private.customer_id = customer.customer_id
