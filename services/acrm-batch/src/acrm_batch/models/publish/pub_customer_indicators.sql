/*---
description: Indicators of the union's whole business with a customer, by code.
kind: publish
partition: published
key: [customer_id]
pack: customer
---*/
-- One row per active customer.
select * from mart_customers left join ind_scores using (customer_id)
