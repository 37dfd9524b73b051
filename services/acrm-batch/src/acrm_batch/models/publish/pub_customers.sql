/*---
description: Every customer, active or invalid.
kind: publish
partition: as_of
key: [customer_id]
audits:
  - {row_count_drift: {max_pct: 20}, severity: warn}
---*/
-- One row per customer. Document and phone are protected when the row leaves the warehouse.
select
    customer.customer_id,
    customer.customer_type,
    customer.name,
    customer.document_type,
    customer.document_no,
    customer.document_expires_on,
    customer.phone,
    customer.sex,
    customer.birth_date,
    customer.occupation,
    customer.education,
    customer.marital_status,
    customer.region,
    customer.address,
    customer.industry,
    customer.company_size,
    customer.founded_on,
    customer.legal_representative,
    customer.risk_profile,
    customer.risk_profile_expires_on,
    customer.status,
    customer.home_branch_id,
    customer.customer_since,
    coalesce(covering.covering_branch_ids, cast([] as varchar[])) as covering_branch_ids
from stg_customers as customer
left join int_covering_branches as covering on covering.customer_id = customer.customer_id
