/*---
description: What a manager leads at a branch, against the limit of the legal entity.
kind: base
partition: as_of
key: [branch_id, manager_id]
audits:
  - equal_sums:
      with: int_lead_customers
      by: [branch_id]
      columns: [deposit_balance, loan_balance]
---*/
-- One row per branch and manager who leads a customer there, and per relationship manager in office
-- there, who may lead none. A virtual manager has no limit.
with led as (
    select
        branch_id,
        manager_id,
        count(*) as customers,
        sum(deposit_balance) as deposit_balance,
        sum(loan_balance) as loan_balance
    from int_lead_customers
    group by branch_id, manager_id
),

in_office as (
    select distinct post.org_id as branch_id, post.employee_id as manager_id
    from stg_employee_roles as post
    left join stg_employees as employee on employee.employee_id = post.employee_id
    where
        post.role = 'relationship_manager'
        and post.effective_from <= $bd
        and not coalesce(post.effective_until <= $bd, false)
        and not coalesce(employee.left_on <= $bd, false)
),

managers as (
    select branch_id, manager_id from led
    union
    select branch_id, manager_id from in_office
),

limited as (
    select
        managers.branch_id,
        managers.manager_id,
        managers.manager_id = 'V:' || managers.branch_id as is_virtual,
        in_office.manager_id is not null as is_in_office,
        cast(coalesce(led.customers, 0) as integer) as customers,
        case
            when managers.manager_id <> 'V:' || managers.branch_id
                then cast(param(
                    'coverage.portfolio_limit', coalesce(unit.legal_entity_id, '')
                ) as integer)
        end as customer_limit,
        cast(coalesce(led.deposit_balance, 0) as decimal(18,2)) as deposit_balance,
        cast(coalesce(led.loan_balance, 0) as decimal(18,2)) as loan_balance
    from managers
    left join led on led.branch_id = managers.branch_id and led.manager_id = managers.manager_id
    left join in_office
        on in_office.branch_id = managers.branch_id and in_office.manager_id = managers.manager_id
    left join int_org_units as unit on unit.org_id = managers.branch_id
)

select
    limited.*,
    cast(greatest(customers - coalesce(customer_limit, customers), 0) as integer) as over_by
from limited
