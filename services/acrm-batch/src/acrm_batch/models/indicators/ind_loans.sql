/*---
description: A customer's loans at a branch, what moved in the month and year, and what falls due.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
audits:
  - {assert: "loan_renewed_m <= loan_matured_m"}
---*/
-- One row per customer and branch that has or had a loan.
with loans as (
    select
        *,
        status = 'running' as is_running,
        interest_arrears > 0 or days_overdue > 0 as is_overdue,
        matures_on >= date_trunc('month', $bd) and matures_on <= $bd as is_matured,
        product not in ('mortgage', 'consumer', 'farm', 'small_business', 'working_capital')
            as is_other_product,
        -- 44 characters, the greatest of the largest loan, of equal ones of the earlier.
        lpad(cast(cast(100 * coalesce(balance, 0) as bigint) as varchar), 18, '0')
        || lpad(cast(date '9999-12-31' - granted_on as varchar), 7, '0')
        || lpad(cast(9223372036854775807 - loan_id as varchar), 19, '0') as size_key,
        case five_tier
            when 'normal' then 1
            when 'special_mention' then 2
            when 'substandard' then 3
            when 'doubtful' then 4
            else 5
        end as tier_rank
    from stg_loans
    where granted_on <= $bd
),

repaid as (
    select
        loan_id,
        sum(case when paid_on >= date_trunc('month', $bd) then principal end) as principal_m,
        sum(principal) as principal_y,
        sum(case when paid_on >= date_trunc('month', $bd) then interest end) as interest_m,
        sum(interest) as interest_y
    from stg_loan_schedules
    where paid_on >= date_trunc('year', $bd) and paid_on <= $bd
    group by loan_id
),

-- A loan that matured this month and was settled is renewed so far by one granted from 30 days before
-- to today, at the same branch.
renewed as (
    select distinct matured.loan_id
    from loans as matured
    inner join loans as granted
        on granted.customer_id = matured.customer_id and granted.branch_id = matured.branch_id
    where
        matured.is_matured
        and matured.status = 'settled'
        and granted.loan_id <> matured.loan_id
        and granted.granted_on >= matured.matures_on - 30
)

select
    loan.customer_id,
    loan.branch_id,
    min(case when loan.is_running and loan.next_due_on > $bd then loan.next_due_on end)
        as loan_next_due_on,
    cast(coalesce(sum(case when loan.is_running and loan.next_due_on > $bd
        and loan.next_due_on <= $bd + 30 then loan.next_due_amount end), 0) as decimal(18,2))
        as loan_due_30d,
    cast(coalesce(max(case when loan.is_running then loan.days_overdue end), 0) as bigint)
        as loan_overdue_days,
    max(case when loan.is_running then loan.tier_rank end) as loan_tier_rank,
    max(case when not loan.is_running then 0 when loan.is_overdue then 1
        when not loan.is_overdue then 0 end) as loan_is_overdue,
    max(loan.last_overdue_on) as loan_last_overdue_on,
    min(loan.granted_on) as loan_first_granted_on,
    max(loan.granted_on) as loan_last_granted_on,
    min(case when loan.is_running and loan.matures_on > $bd then loan.matures_on end)
        as loan_next_matures_on,
    cast(coalesce(sum(case when loan.is_running and loan.matures_on > $bd
        and loan.matures_on <= $bd + 30 then loan.balance end), 0) as decimal(18,2))
        as loan_maturing_30d,
    cast(coalesce(sum(case when loan.is_running and loan.matures_on > $bd
        and loan.matures_on <= $bd + 90 then loan.balance end), 0) as decimal(18,2))
        as loan_maturing_90d,
    cast(coalesce(sum(case when loan.granted_on >= date_trunc('month', $bd) then loan.amount end), 0)
        as decimal(18,2)) as loan_disbursed_m,
    cast(coalesce(sum(case when loan.granted_on >= date_trunc('year', $bd) then loan.amount end), 0)
        as decimal(18,2)) as loan_disbursed_y,
    count(*) filter (where loan.granted_on >= date_trunc('month', $bd)) as loan_granted_m,
    count(*) filter (where loan.granted_on >= date_trunc('year', $bd)) as loan_granted_y,
    cast(coalesce(sum(repaid.principal_m), 0) as decimal(18,2)) as loan_repaid_m,
    cast(coalesce(sum(repaid.principal_y), 0) as decimal(18,2)) as loan_repaid_y,
    cast(coalesce(sum(repaid.interest_m), 0) as decimal(18,2)) as loan_interest_m,
    cast(coalesce(sum(repaid.interest_y), 0) as decimal(18,2)) as loan_interest_y,
    count(*) filter (
        where loan.settled_on >= date_trunc('month', $bd) and loan.settled_on <= $bd
    ) as loan_settled_m,
    count(*) filter (
        where loan.settled_on >= date_trunc('year', $bd) and loan.settled_on <= $bd
    ) as loan_settled_y,
    count(*) filter (where loan.is_matured) as loan_matured_m,
    count(renewed.loan_id) as loan_renewed_m,
    sum(case when loan.is_running then loan.balance * loan.rate end) as loan_rate_amt,
    sum(case when loan.is_running and loan.rate is not null then loan.balance end) as loan_rated_bal,
    cast(coalesce(sum(case when loan.is_running and loan.product = 'mortgage'
        then loan.balance end), 0) as decimal(18,2)) as loan_mortgage_bal,
    count(*) filter (where loan.is_running and loan.product = 'mortgage') as loan_mortgage_cnt,
    cast(coalesce(sum(case when loan.is_running and loan.product = 'consumer'
        then loan.balance end), 0) as decimal(18,2)) as loan_consumer_bal,
    count(*) filter (where loan.is_running and loan.product = 'consumer') as loan_consumer_cnt,
    cast(coalesce(sum(case when loan.is_running and loan.product = 'farm'
        then loan.balance end), 0) as decimal(18,2)) as loan_farm_bal,
    count(*) filter (where loan.is_running and loan.product = 'farm') as loan_farm_cnt,
    cast(coalesce(sum(case when loan.is_running and loan.product = 'small_business'
        then loan.balance end), 0) as decimal(18,2)) as loan_small_business_bal,
    count(*) filter (where loan.is_running and loan.product = 'small_business')
        as loan_small_business_cnt,
    cast(coalesce(sum(case when loan.is_running and loan.product = 'working_capital'
        then loan.balance end), 0) as decimal(18,2)) as loan_working_capital_bal,
    count(*) filter (where loan.is_running and loan.product = 'working_capital')
        as loan_working_capital_cnt,
    cast(coalesce(sum(case when loan.is_running and loan.is_other_product then loan.balance end), 0)
        as decimal(18,2)) as loan_other_bal,
    count(*) filter (where loan.is_running and loan.is_other_product) as loan_other_cnt,
    max(case when loan.is_running then loan.size_key || coalesce(loan.collateral, '') end)
        as loan_largest,
    sum(days.month_balance_days) as loan_month_days,
    sum(days.year_balance_days) as loan_year_days
from loans as loan
left join repaid on repaid.loan_id = loan.loan_id
left join renewed on renewed.loan_id = loan.loan_id
left join int_loan_balances as days on days.loan_id = loan.loan_id
group by loan.customer_id, loan.branch_id
