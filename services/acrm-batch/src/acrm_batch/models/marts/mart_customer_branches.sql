/*---
description: What a branch knows of its own business with a customer, in one wide row.
kind: mart
partition: as_of
key: [customer_id, branch_id]
families: customer_branch
ranges_of: int_customers
audits:
  - {assert: "aum_bal = dep_bal + wealth_bal + fund_bal + insurance_bal"}
---*/
-- One row per branch and active customer that it covers or has, or had, business with.
select
    branch_id,
    customer_id
from int_coverage
