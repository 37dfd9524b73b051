/*---
description: How the campaigns that are evaluated went at the branch that listed the customer.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
audits:
  - {assert: "campaign_converted <= campaign_listed"}
---*/
-- One row per customer and branch of a list. Somebody on the lists of two campaigns counts in both;
-- who was held back as control counts as control alone.
with cost as (
    select
        campaign_id,
        customer_id,
        sum(cost) as cost
    from int_campaign_contacts
    group by campaign_id, customer_id
)

select
    target.customer_id,
    target.branch_id,
    count(*) filter (where not target.is_control) as campaign_listed,
    count(*) filter (where target.is_control) as campaign_control,
    count(*) filter (where target.contacts > 0) as campaign_contacted,
    count(*) filter (where target.is_reached) as campaign_reached,
    count(*) filter (where target.is_interested) as campaign_interested,
    count(*) filter (where target.has_responded) as campaign_responded,
    count(*) filter (where target.is_converted and not target.is_control) as campaign_converted,
    cast(coalesce(sum(target.amount) filter (where not target.is_control), 0) as decimal(18,2))
        as campaign_amount,
    cast(coalesce(sum(cost.cost), 0) as decimal(18,2)) as campaign_cost
from int_campaign_targets as target
left join cost
    on cost.campaign_id = target.campaign_id and cost.customer_id = target.customer_id
group by target.customer_id, target.branch_id
