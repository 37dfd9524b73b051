/*---
description: Indicators of a branch's own business with a customer, by code.
kind: publish
partition: published
key: [branch_id, customer_id]
pack: customer_branch
---*/
-- One row per branch and customer.
select * from mart_customer_branches
