/*---
description: Whether customers get the service of their tier.
kind: indicator
partition: as_of
key: [customer_id]
---*/
-- One row per active customer. A tier of which nothing is due yet is not judged.
with judged as (
    select *, visits_due + calls_due > 0 as is_due
    from int_service
)

select
    customer_id,
    missing,
    visits_due,
    calls_due,
    least(visits, visits_due) as visits_made,
    least(calls, calls_due) as calls_made,
    case when tier = 'gold' and is_due then 1 else 0 end as gold_due,
    case when tier = 'gold' and is_due and missing = 0 then 1 else 0 end as gold_served,
    case when tier = 'profit' and is_due then 1 else 0 end as profit_due,
    case when tier = 'profit' and is_due and missing = 0 then 1 else 0 end as profit_served,
    case when tier = 'general_grow' and is_due then 1 else 0 end as general_grow_due,
    case when tier = 'general_grow' and is_due and missing = 0 then 1 else 0 end as general_grow_served,
    case when tier = 'general_standardise' and is_due then 1 else 0 end as general_standardise_due,
    case when tier = 'general_standardise' and is_due and missing = 0 then 1 else 0 end as general_standardise_served,
    case when tier = 'general_exit' and is_due then 1 else 0 end as general_exit_due,
    case when tier = 'general_exit' and is_due and missing = 0 then 1 else 0 end as general_exit_served,
    case when is_due then 1 else 0 end as service_due,
    case when is_due and missing = 0 then 1 else 0 end as served
from judged
