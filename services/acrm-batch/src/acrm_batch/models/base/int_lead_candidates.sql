/*---
description: Everything the lead rules look at, per customer.
kind: base
partition: as_of
key: [customer_id]
---*/
-- One row per active customer: the lock, loan, settled loan, card and deposit lead that would each
-- decide, empty where there is none.
with locks as (
    select *
    from stg_coverage_locks
    where locked_on <= $bd and $bd < locked_until
),

loans as (
    select *
    from stg_loans
    where status = 'running'
    qualify row_number() over (
        partition by customer_id order by balance desc nulls last, granted_on, loan_id
    ) = 1
),

settled as (
    select *
    from stg_loans
    where
        status = 'settled'
        and settled_on <= $bd
        and $bd < settled_on + param('coverage.settled_loan_days')
    qualify row_number() over (partition by customer_id order by settled_on desc, loan_id) = 1
),

cards as (
    select *
    from stg_credit_cards
    where
        card_type = 'credit'
        and issued_on <= $bd
        and not coalesce(closed_on <= $bd, false)
    qualify row_number() over (
        partition by customer_id order by credit_limit desc nulls last, issued_on, card_id
    ) = 1
),

decided as (
    select leads.customer_id, leads.branch_id, leads.previous_lead_branch_id
    from int_deposit_leads as leads
    inner join int_branch_averages as still_open
        on still_open.customer_id = leads.customer_id
        and still_open.branch_id = leads.branch_id
    where leads.is_lead
),

largest as (
    select *
    from int_branch_averages
    qualify row_number() over (
        partition by customer_id order by balance_days desc, first_opened_on, branch_id
    ) = 1
)

select
    customer.customer_id,
    customer.home_branch_id,
    locks.branch_id as lock_branch_id,
    locks.manager_id as lock_manager_id,
    locks.locked_on,
    locks.locked_until,
    loans.loan_id,
    loans.branch_id as loan_branch_id,
    loans.manager_id as loan_manager_id,
    loans.balance as loan_balance,
    loans.granted_on as loan_granted_on,
    settled.loan_id as settled_loan_id,
    settled.branch_id as settled_branch_id,
    settled.manager_id as settled_manager_id,
    settled.settled_on,
    cards.card_id,
    cards.branch_id as card_branch_id,
    cards.manager_id as card_manager_id,
    cards.credit_limit as card_credit_limit,
    cards.issued_on as card_issued_on,
    coalesce(decided.branch_id, largest.branch_id) as deposit_branch_id,
    decided.branch_id is not null as is_month_end_lead,
    decided.previous_lead_branch_id
from int_customers as customer
left join locks on locks.customer_id = customer.customer_id
left join loans on loans.customer_id = customer.customer_id
left join settled on settled.customer_id = customer.customer_id
left join cards on cards.customer_id = customer.customer_id
left join decided on decided.customer_id = customer.customer_id
left join largest on largest.customer_id = customer.customer_id
