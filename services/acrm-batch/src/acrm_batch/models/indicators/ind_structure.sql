/*---
description: Who the customers are, how many products they hold, who came and who left.
kind: indicator
partition: as_of
key: [customer_id]
at: {ind_balances: [month, year]}
audits:
  - {equal_sums: {with: int_customers, by: [customer_id], columns: [1]}}
---*/
-- One row per active customer. The product lines are deposits, term deposits, loans, credit cards,
-- wealth products, funds, insurance, a digital channel, salary paid in, and acquiring.
with held as (
    select
        customer_id,
        sum(dep_acct_cnt) as deposits,
        sum(dep_time_bal + dep_cert_bal) as term_bal,
        sum(loan_cnt) as loans,
        sum(card_cnt) as cards,
        sum(wealth_bal) as wealth_bal,
        sum(fund_bal) as fund_bal,
        sum(insurance_bal) as insurance_bal
    from ind_balances
    group by customer_id
),

served as (
    select
        customer_id,
        sum(payroll_employers) as payroll_employers,
        sum(merchant_cnt) as merchants
    from ind_services
    group by customer_id
),

at_month_start as (select distinct customer_id from ind_balances_month),

at_year_start as (select distinct customer_id from ind_balances_year),

lines as (
    select
        customer.customer_id,
        case when held.deposits > 0 then 1 else 0 end
        + case when held.term_bal > 0 then 1 else 0 end
        + case when held.loans > 0 then 1 else 0 end
        + case when held.cards > 0 then 1 else 0 end
        + case when held.wealth_bal > 0 then 1 else 0 end
        + case when held.fund_bal > 0 then 1 else 0 end
        + case when held.insurance_bal > 0 then 1 else 0 end
        + case when channel.customer_id is not null then 1 else 0 end
        + case when served.payroll_employers > 0 then 1 else 0 end
        + case when served.merchants > 0 then 1 else 0 end as product_lines,
        held.customer_id is not null as has_product
    from int_customers as customer
    left join held on held.customer_id = customer.customer_id
    left join served on served.customer_id = customer.customer_id
    left join ind_channels as channel on channel.customer_id = customer.customer_id
),

described as (
    select
        *,
        case
            when birth_date is null then 'unknown'
            when birth_date > $bd - to_years(18) then 'under_18'
            when birth_date > $bd - to_years(30) then 'from_18'
            when birth_date > $bd - to_years(45) then 'from_30'
            when birth_date > $bd - to_years(60) then 'from_45'
            else 'from_60'
        end as age_band
    from stg_customers
)

select
    lines.customer_id,
    1 as is_valid,
    lines.product_lines,
    case when lines.product_lines >= 3 then 1 else 0 end as is_cross_sold,
    case when lines.has_product then 1 else 0 end as is_holder,
    case when described.customer_since >= date_trunc('month', $bd) then 1 else 0 end as is_new_m,
    case when described.customer_since >= date_trunc('year', $bd) then 1 else 0 end as is_new_y,
    case when not lines.has_product and at_month_start.customer_id is not null then 1 else 0 end
        as is_lost_m,
    case when not lines.has_product and at_year_start.customer_id is not null then 1 else 0 end
        as is_lost_y,
    case when key_customer.customer_id is not null then 1 else 0 end as is_key,
    case
        when private.customer_id is not null then 1
        when (select count(*) from stg_private_managers) > 0 then 0
    end as is_private,
    case when lead.lead_manager_id not like 'V:%' then 1 else 0 end as is_assigned,
    case when described.customer_type = 'individual' then 1 else 0 end as is_individual,
    case when described.customer_type = 'business' then 1 else 0 end as is_business,
    case when described.customer_type = 'group' then 1 else 0 end as is_group,
    case when described.customer_type = 'individual' and described.age_band = 'under_18'
        then 1 else 0 end as is_age_under_18,
    case when described.customer_type = 'individual' and described.age_band = 'from_18'
        then 1 else 0 end as is_age_from_18,
    case when described.customer_type = 'individual' and described.age_band = 'from_30'
        then 1 else 0 end as is_age_from_30,
    case when described.customer_type = 'individual' and described.age_band = 'from_45'
        then 1 else 0 end as is_age_from_45,
    case when described.customer_type = 'individual' and described.age_band = 'from_60'
        then 1 else 0 end as is_age_from_60
from lines
inner join described on described.customer_id = lines.customer_id
inner join int_lead_decisions as lead on lead.customer_id = lines.customer_id
left join int_key_customers as key_customer on key_customer.customer_id = lines.customer_id
left join int_private_managers as private on private.customer_id = lines.customer_id
left join at_month_start on at_month_start.customer_id = lines.customer_id
left join at_year_start on at_year_start.customer_id = lines.customer_id
