/*---
description: Customers whom a head may hand on or take back, and why.
kind: publish
partition: as_of
key: [customer_id, reason]
audits:
  - {not_null: [manager_id, to_manager_id]}
---*/
-- One row per customer and reason for which another manager is proposed.
select
    customer_id,
    'over_limit' as reason,
    branch_id,
    manager_id,
    to_manager_id,
    deposit_balance,
    loan_balance,
    assigned_on
from int_portfolio_proposals
union all
select
    customer_id,
    'not_maintained' as reason,
    branch_id,
    manager_id,
    to_manager_id,
    deposit_balance,
    loan_balance,
    assigned_on
from int_reclaim_proposals
