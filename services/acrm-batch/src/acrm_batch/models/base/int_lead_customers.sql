/*---
description: Every lead with its manager and the customer's deposits and running loans.
kind: base
partition: as_of
key: [customer_id]
audits:
  - {not_null: [branch_id, manager_id]}
  - {equal_sums: {with: int_lead_decisions, by: [customer_id], columns: [1]}}
---*/
-- One row per active customer. `assigned_on` is known where the head of the lead branch gave the
-- customer to the manager.
with deposits as (
    select customer_id, sum(balance) as balance
    from int_branch_averages
    group by customer_id
),

loans as (
    select customer_id, sum(balance) as balance
    from stg_loans
    where status = 'running'
    group by customer_id
)

select
    decision.customer_id,
    decision.lead_branch_id as branch_id,
    coalesce(unit.legal_entity_id, '') as legal_entity_id,
    decision.lead_manager_id as manager_id,
    decision.manager_from,
    decision.rule,
    case when decision.manager_from = 'head' then given.assigned_on end as assigned_on,
    cast(coalesce(deposits.balance, 0) as decimal(18,2)) as deposit_balance,
    cast(coalesce(loans.balance, 0) as decimal(18,2)) as loan_balance
from int_lead_decisions as decision
left join int_org_units as unit on unit.org_id = decision.lead_branch_id
left join int_managers as given
    on given.customer_id = decision.customer_id and given.branch_id = decision.lead_branch_id
left join deposits on deposits.customer_id = decision.customer_id
left join loans on loans.customer_id = decision.customer_id
