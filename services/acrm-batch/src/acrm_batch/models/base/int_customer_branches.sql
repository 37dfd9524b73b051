/*---
description: Where a customer has business, and with which loan and card managers.
kind: base
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch with an open deposit account, a running loan or an open credit
-- card. Loan and card are the largest ones there.
with loans as (
    select *
    from stg_loans
    where status = 'running'
    qualify row_number() over (
        partition by customer_id, branch_id order by balance desc nulls last, granted_on, loan_id
    ) = 1
),

cards as (
    select *
    from stg_credit_cards
    where
        card_type = 'credit'
        and issued_on <= $bd
        and not coalesce(closed_on <= $bd, false)
    qualify row_number() over (
        partition by customer_id, branch_id order by credit_limit desc nulls last, issued_on, card_id
    ) = 1
),

places as (
    select customer_id, branch_id from int_branch_averages
    union
    select customer_id, branch_id from loans
    union
    select customer_id, branch_id from cards
)

select
    places.customer_id,
    places.branch_id,
    average.customer_id is not null as has_deposit,
    loans.loan_id,
    loans.manager_id as loan_manager_id,
    cards.card_id,
    cards.manager_id as card_manager_id
from places
left join int_branch_averages as average
    on average.customer_id = places.customer_id and average.branch_id = places.branch_id
left join loans on loans.customer_id = places.customer_id and loans.branch_id = places.branch_id
left join cards on cards.customer_id = places.customer_id and cards.branch_id = places.branch_id
