/*---
description: Wealth bought and ended, payroll, acquiring, fees and standing orders of a customer at a branch.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch with such a service. Payroll belongs to the branch of the account
-- that is paid into, of the employee and of the employer.
with holdings as (
    select
        customer_id,
        branch_id,
        sum(case when kind = 'wealth' and bought_on >= date_trunc('month', $bd) then amount end)
            as wealth_bought_m,
        sum(case when kind = 'wealth' and bought_on >= date_trunc('year', $bd) then amount end)
            as wealth_bought_y,
        sum(case when kind = 'fund' and bought_on >= date_trunc('month', $bd) then amount end)
            as fund_bought_m,
        sum(case when kind = 'fund' and bought_on >= date_trunc('year', $bd) then amount end)
            as fund_bought_y,
        sum(case when kind = 'insurance' and bought_on >= date_trunc('month', $bd) then amount end)
            as insurance_bought_m,
        sum(case when kind = 'insurance' and bought_on >= date_trunc('year', $bd) then amount end)
            as insurance_bought_y,
        sum(case when ended_on >= date_trunc('month', $bd) and ended_on <= $bd then amount end)
            as invested_ended_m,
        sum(case when ended_on >= date_trunc('year', $bd) and ended_on <= $bd then amount end)
            as invested_ended_y,
        sum(case when not coalesce(ended_on <= $bd, false) and matures_on > $bd
            and matures_on <= $bd + 15 then amount end) as invested_maturing_15d,
        sum(case when not coalesce(ended_on <= $bd, false) and matures_on > $bd
            and matures_on <= $bd + 30 then amount end) as invested_maturing_30d,
        min(case when not coalesce(ended_on <= $bd, false) and matures_on > $bd
            then matures_on end) as invested_next_matures_on,
        max(bought_on) as invested_last_bought_on
    from stg_wealth_holdings
    where bought_on <= $bd
    group by customer_id, branch_id
),

members as (
    select member.employer_id, member.customer_id, account.branch_id
    from stg_payroll_members as member
    inner join stg_deposit_accounts as account on account.account_id = member.account_id
    where
        member.effective_from <= $bd
        and not coalesce(member.effective_until <= $bd, false)
),

employees as (
    select customer_id, branch_id, count(*) as payroll_employers
    from members
    group by customer_id, branch_id
),

employers as (
    select employer_id as customer_id, branch_id, count(*) as payroll_members
    from members
    group by employer_id, branch_id
),

merchants as (
    select
        customer_id,
        branch_id,
        count(*) filter (where not coalesce(ended_on <= $bd, false)) as merchant_cnt,
        count(*) filter (where signed_on >= date_trunc('month', $bd)) as merchant_signed_m,
        count(*) filter (where signed_on >= date_trunc('year', $bd)) as merchant_signed_y
    from stg_merchants
    where signed_on <= $bd
    group by customer_id, branch_id
),

orders as (
    select
        account.customer_id,
        account.branch_id,
        count(*) as order_cnt,
        sum(standing.amount) as order_amt,
        count(*) filter (where standing.purpose = 'utilities') as order_utilities_cnt
    from stg_standing_orders as standing
    inner join stg_deposit_accounts as account on account.account_id = standing.account_id
    where not coalesce(account.closed_on <= $bd, false)
    group by account.customer_id, account.branch_id
),

flows as (
    select
        customer_id,
        branch_id,
        sum(acquiring_amt) filter (where within_days <= 30) as acquiring_30d,
        sum(acquiring_amt) filter (where within_days <= 90) as acquiring_90d,
        sum(payroll_amt) filter (where within_days <= 30) as payroll_30d,
        sum(payroll_amt) filter (where within_days <= 90) as payroll_90d,
        sum(pension_amt) filter (where within_days <= 30) as pension_30d
    from int_flow_spans
    group by customer_id, branch_id
    having sum(acquiring_amt + payroll_amt + pension_amt) > 0
),

booked as (
    select *
    from int_booking_sums
    where fee_y <> 0 or acquiring_y > 0 or fee_m <> 0
),

places as (
    select customer_id, branch_id from holdings
    union
    select customer_id, branch_id from employees
    union
    select customer_id, branch_id from employers
    union
    select customer_id, branch_id from merchants
    union
    select customer_id, branch_id from orders
    union
    select customer_id, branch_id from flows
    union
    select customer_id, branch_id from booked
)

select
    places.customer_id,
    places.branch_id,
    cast(coalesce(holdings.wealth_bought_m, 0) as decimal(18,2)) as wealth_bought_m,
    cast(coalesce(holdings.wealth_bought_y, 0) as decimal(18,2)) as wealth_bought_y,
    cast(coalesce(holdings.fund_bought_m, 0) as decimal(18,2)) as fund_bought_m,
    cast(coalesce(holdings.fund_bought_y, 0) as decimal(18,2)) as fund_bought_y,
    cast(coalesce(holdings.insurance_bought_m, 0) as decimal(18,2)) as insurance_bought_m,
    cast(coalesce(holdings.insurance_bought_y, 0) as decimal(18,2)) as insurance_bought_y,
    cast(coalesce(holdings.invested_ended_m, 0) as decimal(18,2)) as invested_ended_m,
    cast(coalesce(holdings.invested_ended_y, 0) as decimal(18,2)) as invested_ended_y,
    cast(coalesce(holdings.invested_maturing_15d, 0) as decimal(18,2)) as invested_maturing_15d,
    cast(coalesce(holdings.invested_maturing_30d, 0) as decimal(18,2)) as invested_maturing_30d,
    holdings.invested_next_matures_on,
    holdings.invested_last_bought_on,
    coalesce(employees.payroll_employers, 0) as payroll_employers,
    coalesce(employers.payroll_members, 0) as payroll_members,
    coalesce(merchants.merchant_cnt, 0) as merchant_cnt,
    coalesce(merchants.merchant_signed_m, 0) as merchant_signed_m,
    coalesce(merchants.merchant_signed_y, 0) as merchant_signed_y,
    coalesce(orders.order_cnt, 0) as order_cnt,
    cast(coalesce(orders.order_amt, 0) as decimal(18,2)) as order_amt,
    coalesce(orders.order_utilities_cnt, 0) as order_utilities_cnt,
    cast(coalesce(flows.acquiring_30d, 0) as decimal(18,2)) as acquiring_30d,
    cast(coalesce(flows.acquiring_90d, 0) as decimal(18,2)) as acquiring_90d,
    cast(coalesce(flows.payroll_30d, 0) as decimal(18,2)) as payroll_30d,
    cast(coalesce(flows.payroll_90d, 0) as decimal(18,2)) as payroll_90d,
    cast(coalesce(flows.pension_30d, 0) as decimal(18,2)) as pension_30d,
    coalesce(booked.acquiring_m, 0) as acquiring_m,
    coalesce(booked.acquiring_y, 0) as acquiring_y,
    coalesce(booked.fee_m, 0) as fee_m,
    coalesce(booked.fee_y, 0) as fee_y
from places
left join holdings
    on holdings.customer_id = places.customer_id and holdings.branch_id = places.branch_id
left join employees
    on employees.customer_id = places.customer_id and employees.branch_id = places.branch_id
left join employers
    on employers.customer_id = places.customer_id and employers.branch_id = places.branch_id
left join merchants
    on merchants.customer_id = places.customer_id and merchants.branch_id = places.branch_id
left join orders on orders.customer_id = places.customer_id and orders.branch_id = places.branch_id
left join flows on flows.customer_id = places.customer_id and flows.branch_id = places.branch_id
left join booked on booked.customer_id = places.customer_id and booked.branch_id = places.branch_id
