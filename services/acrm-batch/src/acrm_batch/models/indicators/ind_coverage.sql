/*---
description: Whether a branch leads or assists a customer.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and covering branch.
select
    customer_id,
    branch_id,
    max(case role when 'lead' then 1 else 0 end) as cov_lead,
    max(case role when 'assist' then 1 else 0 end) as cov_assist
from int_coverage
group by customer_id, branch_id
