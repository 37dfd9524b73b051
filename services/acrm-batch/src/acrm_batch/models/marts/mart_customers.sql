/*---
description: Everything that is known of a customer in the whole union, in one wide row.
kind: mart
partition: as_of
key: [customer_id]
families: customer
ranges_of: int_customers
without: [scores]
audits:
  - {assert: "aum_bal = dep_bal + wealth_bal + fund_bal + insurance_bal"}
  - {not_null: [lead_branch_id]}
  - equal_sums: {with: int_customers, by: [customer_id], columns: [1]}
---*/
-- One row per active customer. Money and counts of somebody without that business are 0.
with coverage as (
    select customer_id, count(distinct branch_id) as covering_branches
    from int_coverage
    group by customer_id
)

select
    customer.customer_id,
    customer.legal_entity_id,
    decision.lead_branch_id,
    coverage.covering_branches,
    key_customer.customer_id is not null as is_key_customer
from int_customers as customer
inner join int_lead_decisions as decision on decision.customer_id = customer.customer_id
left join coverage on coverage.customer_id = customer.customer_id
left join int_key_customers as key_customer on key_customer.customer_id = customer.customer_id
