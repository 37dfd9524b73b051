/*---
description: Days and counterparties of a customer, each counted once in the whole union.
kind: indicator
partition: as_of
key: [customer_id]
---*/
-- One row per customer with a booking within 90 days. A day or a counterparty that touched several
-- branches counts once, so these do not follow from the branches' counts.
with spans as (
    select customer_id, within_days, cast(bit_count(bit_or(days_mask)) as bigint) as active_days
    from int_flow_spans
    group by customer_id, within_days
),

days as (
    select
        customer_id,
        sum(case when within_days <= 7 then active_days else 0 end) as flow_active_days_7d,
        sum(case when within_days <= 30 then active_days else 0 end) as flow_active_days_30d,
        sum(active_days) as flow_active_days_90d
    from spans
    group by customer_id
),

parties_once as (
    select customer_id, counterparty, max(last_on) as last_on
    from int_counterparties
    group by customer_id, counterparty
),

parties as (
    select
        customer_id,
        sum(case when last_on > $bd - 7 then 1 else 0 end) as flow_other_parties_7d,
        sum(case when last_on > $bd - 30 then 1 else 0 end) as flow_other_parties_30d,
        count(*) as flow_other_parties_90d
    from parties_once
    group by customer_id
)

select
    days.customer_id,
    cast(days.flow_active_days_7d as bigint) as flow_active_days_7d,
    cast(days.flow_active_days_30d as bigint) as flow_active_days_30d,
    cast(days.flow_active_days_90d as bigint) as flow_active_days_90d,
    cast(coalesce(parties.flow_other_parties_7d, 0) as bigint) as flow_other_parties_7d,
    cast(coalesce(parties.flow_other_parties_30d, 0) as bigint) as flow_other_parties_30d,
    coalesce(parties.flow_other_parties_90d, 0) as flow_other_parties_90d
from days
left join parties on parties.customer_id = days.customer_id
