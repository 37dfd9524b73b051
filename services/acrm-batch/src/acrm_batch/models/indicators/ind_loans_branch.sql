/*---
description: Loan indicators of a customer at a branch.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch that has or had a loan.
with loans as (
    select
        *,
        status = 'running' as is_running,
        list_position(
            ['normal', 'special_mention', 'substandard', 'doubtful', 'loss'], five_tier
        ) as tier_rank
    from stg_loans
),

sums as (
    select
        customer_id,
        branch_id,
        coalesce(sum(balance) filter (where is_running), 0) as loan_bal,
        coalesce(sum(credit_line) filter (where is_running), 0) as loan_line,
        count(*) filter (where is_running) as loan_cnt,
        min(next_due_on) filter (where is_running and next_due_on > $bd) as loan_next_due_on,
        coalesce(sum(interest_arrears) filter (where is_running), 0) as loan_arrears,
        max(days_overdue) filter (where is_running) as loan_overdue_days,
        max(tier_rank) filter (where is_running) as worst_tier,
        bool_or(is_running and (interest_arrears > 0 or days_overdue > 0)) as is_overdue,
        coalesce(max(last_overdue_on) + 1, min(granted_on)) as clean_since
    from loans
    group by customer_id, branch_id
)

select
    customer_id,
    branch_id,
    cast(loan_bal as decimal(18,2)) as loan_bal,
    cast(loan_line as decimal(18,2)) as loan_line,
    ratio(loan_bal, loan_line) as loan_util,
    loan_cnt,
    loan_next_due_on,
    cast(loan_arrears as decimal(18,2)) as loan_arrears,
    coalesce(loan_overdue_days, 0) as loan_overdue_days,
    ['normal', 'special_mention', 'substandard', 'doubtful', 'loss'][worst_tier] as loan_five_tier,
    case when not is_overdue then clean_since end as loan_clean_since
from sums
