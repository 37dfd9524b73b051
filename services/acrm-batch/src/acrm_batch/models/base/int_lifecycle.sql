/*---
description: The stage of life of a customer's business with the bank.
kind: base
partition: as_of
key: [customer_id]
audits:
  - equal_sums: {with: int_customers, by: [customer_id], columns: [1]}
  - {accepted: {lifecycle: [prospect, lost, new, dormant, declining, growing, stable]}}
  - {share_drift: {columns: [lifecycle], max_points: 10}, severity: warn}
---*/
-- One row per active customer. `first_on` is his first business, ended or not.
with business as (
    select
        customer_id,
        opened_on as begun_on,
        not coalesce(closed_on <= $bd, false) as goes_on,
        false as is_loan
    from stg_deposit_accounts
    union all
    select customer_id, granted_on, status = 'running', status = 'running'
    from stg_loans
    union all
    select customer_id, issued_on, not coalesce(closed_on <= $bd, false), false
    from stg_credit_cards
    where card_type = 'credit'
    union all
    select customer_id, bought_on, not coalesce(ended_on <= $bd, false), false
    from stg_wealth_holdings
),

standing as (
    select
        customer_id,
        min(begun_on) as first_on,
        max(case when goes_on then 1 else 0 end) = 1 as has_business,
        max(case when is_loan then 1 else 0 end) = 1 as has_loan
    from business
    where begun_on <= $bd
    group by customer_id
),

-- Of every customer alike: the days of the last complete month and of the second one before it.
months as (
    select max(days_1) as days_1, max(days_3) as days_3
    from int_month_averages
),

-- Averages are compared as sums over the same number of days.
trends as (
    select
        average.customer_id,
        average.balance_days_1 * months.days_3 as now_days,
        average.balance_days_3 * months.days_1 as then_days,
        months.days_1 * months.days_3 as days
    from int_month_averages as average
    cross join months
),

entities as (
    select distinct legal_entity_id from int_customers
),

limits as (
    select
        legal_entity_id,
        cast(param('lifecycle.new_days', legal_entity_id) as integer) as new_days,
        param('lifecycle.dormant_aum', legal_entity_id) as dormant_aum,
        param('lifecycle.change_pct', legal_entity_id) as change_pct,
        param('lifecycle.change_min', legal_entity_id) as change_min,
        $bd - cast(param('lifecycle.dormant_days', legal_entity_id) as integer) as dormant_on
    from entities
),

judged as (
    select
        customer.customer_id,
        standing.first_on,
        standing.has_business,
        standing.first_on > $bd - limits.new_days as is_new,
        -- Of bookings before the first delivery nothing is known.
        $first_day <= limits.dormant_on + 1
        and not coalesce(initiated.initiated_last_on > limits.dormant_on, false)
        and value.aum < limits.dormant_aum
        and not standing.has_loan as is_dormant,
        100 * trends.now_days <= (100 - limits.change_pct) * trends.then_days
        and trends.then_days - trends.now_days >= limits.change_min * trends.days as is_declining,
        100 * trends.now_days >= (100 + limits.change_pct) * trends.then_days
        and trends.now_days - trends.then_days >= limits.change_min * trends.days as is_growing
    from int_customers as customer
    inner join limits on limits.legal_entity_id = customer.legal_entity_id
    inner join int_natural_tiers as value on value.customer_id = customer.customer_id
    left join standing on standing.customer_id = customer.customer_id
    left join trends on trends.customer_id = customer.customer_id
    left join int_initiated as initiated on initiated.customer_id = customer.customer_id
)

select
    customer_id,
    case
        when first_on is null then 'prospect'
        when not has_business then 'lost'
        when is_new then 'new'
        when is_dormant then 'dormant'
        when is_declining then 'declining'
        when is_growing then 'growing'
        else 'stable'
    end as lifecycle,
    first_on
from judged
