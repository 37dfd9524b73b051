/*---
description: The state of a customer's loans at a branch.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch that has or had a loan.
with loans as (
    select
        customer_id,
        branch_id,
        status = 'running' as is_running,
        next_due_on,
        granted_on,
        last_overdue_on,
        days_overdue,
        interest_arrears > 0 or days_overdue > 0 as is_overdue,
        case five_tier
            when 'normal' then 1
            when 'special_mention' then 2
            when 'substandard' then 3
            when 'doubtful' then 4
            else 5
        end as tier_rank
    from stg_loans
)

select
    customer_id,
    branch_id,
    min(case when is_running and next_due_on > $bd then next_due_on end) as loan_next_due_on,
    cast(coalesce(max(case when is_running then days_overdue end), 0) as bigint)
        as loan_overdue_days,
    max(case when is_running then tier_rank end) as loan_tier_rank,
    max(case when not is_running then 0 when is_overdue then 1 when not is_overdue then 0 end)
        as loan_is_overdue,
    max(last_overdue_on) as loan_last_overdue_on,
    min(granted_on) as loan_first_granted_on
from loans
group by customer_id, branch_id
