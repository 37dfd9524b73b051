/*---
description: The service that a customer of his tier may expect, and what he got.
kind: base
partition: as_of
key: [customer_id]
window: {stg_contacts: 365}
audits:
  - {assert: "visits_due >= 0 and calls_due >= 0 and missing >= 0"}
  - equal_sums: {with: int_customers, by: [customer_id], columns: [1]}
---*/
-- One row per active customer. Of a standard a year is due what falls to the days of the last 365 on
-- which he was a customer and which the history holds, rounded down.
with contacted as (
    select
        customer_id,
        count(*) filter (where channel = 'visit') as visits,
        count(*) filter (where channel = 'call') as calls
    from stg_contacts
    where
        channel in ('visit', 'call')
        and coalesce(result, '') <> 'not_reached'
        and contacted_on > $bd - 365
        and contacted_on <= $bd
    group by customer_id
),

standards as (
    select
        tier.customer_id,
        tier.tier,
        case tier.tier
            when 'gold' then param('service.visits_gold', customer.legal_entity_id)
            when 'profit' then param('service.visits_profit', customer.legal_entity_id)
            when 'general_grow' then param('service.visits_general_grow', customer.legal_entity_id)
            when 'general_standardise' then param('service.visits_general_standardise', customer.legal_entity_id)
            when 'general_exit' then param('service.visits_general_exit', customer.legal_entity_id)
        end as visits_a_year,
        case tier.tier
            when 'gold' then param('service.calls_gold', customer.legal_entity_id)
            when 'profit' then param('service.calls_profit', customer.legal_entity_id)
            when 'general_grow' then param('service.calls_general_grow', customer.legal_entity_id)
            when 'general_standardise' then param('service.calls_general_standardise', customer.legal_entity_id)
            when 'general_exit' then param('service.calls_general_exit', customer.legal_entity_id)
        end as calls_a_year,
        overlap_days(
            greatest($first_day, coalesce(person.customer_since, $first_day)),
            $bd + 1, $bd - 364, $bd
        ) as days
    from int_customer_tiers as tier
    inner join int_customers as customer on customer.customer_id = tier.customer_id
    inner join stg_customers as person on person.customer_id = tier.customer_id
),

due as (
    select
        customer_id,
        tier,
        cast(visits_a_year as integer) * cast(days as integer) // 365 as visits_due,
        cast(calls_a_year as integer) * cast(days as integer) // 365 as calls_due
    from standards
)

select
    due.customer_id,
    due.tier,
    cast(due.visits_due as integer) as visits_due,
    cast(due.calls_due as integer) as calls_due,
    cast(coalesce(contacted.visits, 0) as integer) as visits,
    cast(coalesce(contacted.calls, 0) as integer) as calls,
    cast(greatest(due.visits_due - coalesce(contacted.visits, 0), 0)
        + greatest(due.calls_due - coalesce(contacted.calls, 0), 0) as integer) as missing
from due
left join contacted on contacted.customer_id = due.customer_id
