/*---
description: Active customers, each with the legal entity of its home branch.
kind: base
partition: as_of
key: [customer_id]
audits:
  - {not_null: [home_branch_id]}
  - {row_count_drift: {max_pct: 20}, severity: warn}
---*/
-- One row per active customer.
select
    customer.customer_id,
    customer.home_branch_id,
    coalesce(home.parent_id, '') as legal_entity_id
from stg_customers as customer
left join stg_org_units as home on home.org_id = customer.home_branch_id
where customer.status = 'active'
