/*---
description: Who leads a customer, by which rule; the first that matches wins.
kind: base
partition: as_of
key: [customer_id]
version: 1
audits:
  - {not_null: [lead_branch_id, lead_manager_id]}
  - {accepted: {rule: [locked, loan, loan_settled, card, deposit, registered]}}
  - {share_drift: {columns: [rule], max_points: 5}, severity: warn}
  - {accepted: {manager_from: [rule, head, virtual]}}
  - {equal_sums: {with: int_customers, by: [customer_id], columns: [1]}}
---*/
-- One row per active customer. `natural_branch_id` would lead without a lock. `manager_from` says
-- whether the lead manager is the one of the lock, loan or card, the one whom the branch's head
-- gave the customer to, or nobody.
with ruled as (
    select
        candidate.*,
        case
            when loan_id is not null then 'loan'
            when settled_loan_id is not null then 'loan_settled'
            when card_id is not null then 'card'
            when deposit_branch_id is not null then 'deposit'
            else 'registered'
        end as natural_rule
    from int_lead_candidates as candidate
),

placed as (
    select
        ruled.*,
        case when lock_branch_id is not null then 'locked' else natural_rule end as rule,
        case natural_rule
            when 'loan' then loan_branch_id
            when 'loan_settled' then settled_branch_id
            when 'card' then card_branch_id
            when 'deposit' then deposit_branch_id
            else home_branch_id
        end as natural_branch_id
    from ruled
),

proposed as (
    select
        placed.*,
        coalesce(lock_branch_id, natural_branch_id) as lead_branch_id,
        case rule
            when 'locked' then lock_manager_id
            when 'loan' then loan_manager_id
            when 'loan_settled' then settled_manager_id
            when 'card' then card_manager_id
        end as proposed_manager_id
    from placed
)

select
    proposed.*,
    $version as rule_version,
    case
        when proposed_manager_id <> '' and not coalesce(employee.left_on <= $bd, false)
            then proposed_manager_id
        else coalesce(given.manager_id, 'V:' || proposed.lead_branch_id)
    end as lead_manager_id,
    case
        when proposed_manager_id <> '' and not coalesce(employee.left_on <= $bd, false) then 'rule'
        when given.manager_id is not null then 'head'
        else 'virtual'
    end as manager_from
from proposed
left join stg_employees as employee on employee.employee_id = proposed.proposed_manager_id
left join int_managers as given
    on given.customer_id = proposed.customer_id and given.branch_id = proposed.lead_branch_id
