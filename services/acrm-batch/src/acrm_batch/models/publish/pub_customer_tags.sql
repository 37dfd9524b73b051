/*---
description: Leaf tags that hold for a customer, as paths.
kind: publish
partition: as_of
key: [customer_id]
pack: tags
---*/
-- One row per active customer.
select
    customer_id,
    lead_branch_id,
    columns('tag_.*')
from tag_customers
