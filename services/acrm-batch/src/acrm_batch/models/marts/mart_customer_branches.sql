/*---
description: What a branch knows of its own business with a customer, in one wide row.
kind: mart
partition: as_of
key: [branch_id, customer_id]
families: customer_branch
audits:
  - {equal_sums: {with: mart_customers, by: [customer_id], columns: [dep_bal, loan_bal, aum_bal]}}
---*/
-- One row per branch and active customer that it covers or has had business with.
with places as (
    select branch_id, customer_id from int_coverage
    union
    select branch_id, customer_id from ind_balances
    union
    select branch_id, customer_id from ind_deposits
    union
    select branch_id, customer_id from ind_loans
    union
    select branch_id, customer_id from ind_flow
)

select
    places.branch_id,
    places.customer_id
from places
inner join int_customers as customer on customer.customer_id = places.customer_id
