/*---
description: Every leaf tag as a BOOLEAN column; rules are in catalogue/tags.
kind: tags
partition: as_of
key: [customer_id]
---*/
-- One row per active customer.
select * from mart_customers
