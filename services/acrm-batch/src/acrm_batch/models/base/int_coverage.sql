/*---
description: Who covers whom, lead and assist.
kind: base
partition: as_of
key: [branch_id, customer_id, role]
audits:
  - {not_null: [manager_id, rule]}
  - {accepted: {role: [lead, assist]}}
  - {references: {branch_id: stg_org_units.org_id}}
---*/
-- One row per customer, branch and role: one lead, and the assisting branches.
with assisting as (
    select customer_id, branch_id from int_customer_branches
    union
    select customer_id, natural_branch_id from int_lead_decisions where rule = 'locked'
),

proposed as (
    select
        assisting.customer_id,
        assisting.branch_id,
        case when place.loan_id is not null then place.loan_manager_id else place.card_manager_id
        end as manager_id
    from assisting
    inner join int_lead_decisions as decision
        on decision.customer_id = assisting.customer_id
        and decision.lead_branch_id <> assisting.branch_id
    left join int_customer_branches as place
        on place.customer_id = assisting.customer_id and place.branch_id = assisting.branch_id
),

-- Under rule loan, a card of another manager at the lead branch gives that manager a row as well.
card_managers as (
    select
        card.customer_id,
        card.branch_id,
        card.manager_id
    from stg_credit_cards as card
    inner join int_lead_decisions as decision
        on decision.customer_id = card.customer_id
        and decision.lead_branch_id = card.branch_id
        and decision.rule = 'loan'
        and decision.lead_manager_id <> card.manager_id
    left join stg_employees as employee on employee.employee_id = card.manager_id
    where
        card.card_type = 'credit'
        and card.issued_on <= $bd
        and not coalesce(card.closed_on <= $bd, false)
        and card.manager_id <> ''
        and not coalesce(employee.left_on <= $bd, false)
    qualify row_number() over (
        partition by card.customer_id
        order by card.credit_limit desc nulls last, card.issued_on, card.card_id
    ) = 1
),

managed as (
    select customer_id, lead_branch_id as branch_id, 'lead' as role, lead_manager_id as manager_id
    from int_lead_decisions
    union all
    select
        proposed.customer_id,
        proposed.branch_id,
        'assist',
        case
            when proposed.manager_id <> '' and not coalesce(employee.left_on <= $bd, false)
                then proposed.manager_id
            else coalesce(given.manager_id, 'V:' || proposed.branch_id)
        end
    from proposed
    left join stg_employees as employee on employee.employee_id = proposed.manager_id
    left join int_managers as given
        on given.customer_id = proposed.customer_id and given.branch_id = proposed.branch_id
    union all
    select customer_id, branch_id, 'assist', manager_id from card_managers
)

select
    managed.branch_id,
    managed.customer_id,
    managed.role,
    managed.manager_id,
    decision.rule,
    decision.lead_branch_id
from managed
inner join int_lead_decisions as decision on decision.customer_id = managed.customer_id
