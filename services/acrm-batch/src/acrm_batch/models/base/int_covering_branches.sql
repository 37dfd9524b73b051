/*---
description: The branches that cover a customer, as a list.
kind: base
partition: as_of
key: [customer_id]
---*/
-- One row per active customer.
select
    customer_id,
    list_sort(list_distinct(list(branch_id))) as covering_branch_ids
from int_coverage
group by customer_id
