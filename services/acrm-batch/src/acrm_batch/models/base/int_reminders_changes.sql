/*---
description: What has changed about a customer (R04).
kind: base
partition: as_of
key: [rule_code, subject, reminder_window]
at: {int_customers: [day], int_key_customers: [day], int_initiated: [day]}
---*/
-- One row per customer and change. Tiers are those of the last month end, if it is near enough; who
-- is dormant today became so if what he did himself still counted yesterday, by the days and the legal
-- entity of yesterday.
with month_end as (
    select case
        when $bd = last_day($bd) then $bd else cast(date_trunc('month', $bd) as date) - 1
    end as month_end
),

customers as (
    select
        customer_id,
        cast(param('reminder.event_nights', legal_entity_id) as integer) as event_nights
    from int_customers
),

changes as (
    select
        'R04.BECAME_KEY' as rule_code,
        key_customer.customer_id,
        'on' as occasion,
        $bd as happened_on,
        $bd + 1 as due_on
    from int_key_customers as key_customer
    inner join int_customers_day as active on active.customer_id = key_customer.customer_id
    left join int_key_customers_day as before on before.customer_id = key_customer.customer_id
    where before.customer_id is null
    union all
    select
        case when tier.tier_rank > tier.previous_rank then 'R04.TIER_UP' else 'R04.TIER_DOWN' end,
        tier.customer_id, 'month_end', month_end.month_end,
        month_end.month_end + customers.event_nights
    from int_tiers as tier
    inner join customers on customers.customer_id = tier.customer_id
    cross join month_end
    where tier.tier_rank <> tier.previous_rank
    union all
    select
        'R04.DORMANT', stage.customer_id, 'since',
        coalesce(initiated.initiated_last_on, before.initiated_last_on), $bd + 1
    from int_lifecycle as stage
    inner join int_initiated_day as before
        on before.customer_id = stage.customer_id
        and before.awake_until >= $bd - 1
    left join int_initiated as initiated on initiated.customer_id = stage.customer_id
    where stage.lifecycle = 'dormant'
    union all
    select
        'R04.PROSPECT_CONVERTED', stage.customer_id, 'on', stage.first_on,
        stage.first_on + customers.event_nights
    from int_lifecycle as stage
    inner join customers on customers.customer_id = stage.customer_id
    inner join stg_customers as known
        on known.customer_id = stage.customer_id and known.customer_since < stage.first_on
)

select
    rule_code,
    customer_id,
    cast(null as varchar) as branch_id,
    'customer:' || customer_id as subject,
    occasion || ':' || strftime(happened_on, '%Y-%m-%d') as reminder_window,
    due_on,
    cast(null as decimal(18,2)) as amount,
    'CNY' as currency
from changes
where due_on > $bd
