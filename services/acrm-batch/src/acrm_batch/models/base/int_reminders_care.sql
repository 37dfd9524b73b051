/*---
description: What calls for care, and what has changed about a customer (R04).
kind: base
partition: as_of
key: [rule_code, subject, reminder_window]
at: {int_customers: [day], int_key_customers: [day]}
---*/
-- One row per customer and occasion. Who was born on 29 February has his birthday on the 28th where
-- there is no 29th: adding years to a date says so.
with birthdays as (
    select
        customer_id,
        cast(birth_date + to_years(cast(year($bd) - year(birth_date) as integer)) as date)
            as this_year,
        cast(birth_date + to_years(cast(year($bd) + 1 - year(birth_date) as integer)) as date)
            as next_year
    from stg_customers
    where customer_type = 'individual' and birth_date is not null
),

begun as (
    select customer_id, opened_on as begun_on from stg_deposit_accounts where opened_on <= $bd
    union all
    select customer_id, granted_on from stg_loans where granted_on <= $bd
    union all
    select customer_id, issued_on from stg_credit_cards
    where card_type = 'credit' and issued_on <= $bd
    union all
    select customer_id, bought_on from stg_wealth_holdings where bought_on <= $bd
),

first_business as (
    select customer_id, min(begun_on) as begun_on from begun group by customer_id
),

ahead as (
    select rule_code, max(days) as days from int_due_days group by rule_code
),

occasions as (
    select
        'R04.BIRTHDAY' as rule_code,
        customer_id,
        'due' as occasion,
        case when this_year > $bd then this_year else next_year end as happens_on,
        case when this_year > $bd then this_year else next_year end as due_on
    from birthdays
    union all
    select
        'R04.FESTIVAL', key_customer.customer_id, 'festival:' || festival.code, festival.day,
        festival.day
    from int_key_customers as key_customer
    cross join int_festivals as festival
    union all
    select 'R04.BECAME_KEY', key_customer.customer_id, 'on', $bd, $bd + 1
    from int_key_customers as key_customer
    inner join int_customers_day as active on active.customer_id = key_customer.customer_id
    left join int_key_customers_day as before on before.customer_id = key_customer.customer_id
    where before.customer_id is null
    union all
    select
        'R04.PROSPECT_CONVERTED', customer.customer_id, 'on', first_business.begun_on,
        first_business.begun_on
        + cast(param('reminder.event_nights', customer.legal_entity_id) as integer)
    from first_business
    inner join int_customers as customer on customer.customer_id = first_business.customer_id
    inner join stg_customers as known
        on known.customer_id = first_business.customer_id
        and known.customer_since < first_business.begun_on
)

select
    occasions.rule_code,
    occasions.customer_id,
    cast(null as varchar) as branch_id,
    'customer:' || occasions.customer_id as subject,
    occasions.occasion || ':' || strftime(occasions.happens_on, '%Y-%m-%d') as reminder_window,
    occasions.due_on,
    cast(null as decimal(18,2)) as amount,
    'CNY' as currency
from occasions
inner join ahead on ahead.rule_code = occasions.rule_code
where occasions.due_on > $bd and occasions.due_on <= $bd + ahead.days
