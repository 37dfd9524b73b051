/*---
description: Customers with large deposits, or with large loans and a clean record.
kind: base
partition: as_of
key: [customer_id]
---*/
-- One row per key customer.
with deposits as (
    select customer_id, sum(balance_days) as balance_days
    from int_branch_averages
    group by customer_id
),

loans as (
    select
        customer_id,
        coalesce(sum(balance) filter (where status = 'running'), 0) as balance,
        bool_and(
            coalesce(interest_arrears, 0) = 0
            and coalesce(days_overdue, 0) = 0
            and (last_overdue_on is null or last_overdue_on
                <= $bd - to_years(cast(param('key_customer.clean_years') as integer)))
        ) as is_clean
    from stg_loans
    group by customer_id
),

judged as (
    select
        customer.customer_id,
        coalesce(
            deposits.balance_days
            >= param('key_customer.min_deposit_average', customer.legal_entity_id)
            * param('coverage.averaging_days'), false
        ) as by_deposits,
        coalesce(
            loans.balance >= param('key_customer.min_loan_balance', customer.legal_entity_id)
            and loans.is_clean, false
        ) as by_loans
    from int_customers as customer
    left join deposits on deposits.customer_id = customer.customer_id
    left join loans on loans.customer_id = customer.customer_id
)

select customer_id, by_deposits, by_loans
from judged
where by_deposits or by_loans
