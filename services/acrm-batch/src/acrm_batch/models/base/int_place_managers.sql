/*---
description: The one manager who answers for a customer's business at a branch.
kind: base
partition: as_of
key: [customer_id, branch_id]
audits:
  - {not_null: [manager_id]}
---*/
-- One row per customer and covering branch. A second manager of a card at the lead branch does not
-- count, so that a branch's amounts are shared out once.
select
    customer_id,
    branch_id,
    manager_id
from int_coverage
where role = 'lead' or branch_id <> lead_branch_id
