/*---
description: Birthdays, and festivals of key customers (R04).
kind: base
partition: as_of
key: [rule_code, subject, reminder_window]
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

ahead as (
    select rule_code, max(days) as days from int_due_days group by rule_code
),

occasions as (
    select
        'R04.BIRTHDAY' as rule_code,
        customer_id,
        'due' as occasion,
        case when this_year > $bd then this_year else next_year end as due_on
    from birthdays
    union all
    select
        'R04.FESTIVAL', key_customer.customer_id, 'festival:' || festival.code, festival.day
    from int_key_customers as key_customer
    cross join int_festivals as festival
)

select
    occasions.rule_code,
    occasions.customer_id,
    cast(null as varchar) as branch_id,
    'customer:' || occasions.customer_id as subject,
    occasions.occasion || ':' || strftime(occasions.due_on, '%Y-%m-%d') as reminder_window,
    occasions.due_on,
    cast(null as decimal(18,2)) as amount,
    'CNY' as currency
from occasions
inner join ahead on ahead.rule_code = occasions.rule_code
where occasions.due_on > $bd and occasions.due_on <= $bd + ahead.days
