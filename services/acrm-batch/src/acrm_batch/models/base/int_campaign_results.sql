/*---
description: Response, conversion, uplift against control, and cost of campaigns.
kind: base
partition: as_of
key: [campaign_id, grain, branch_id, manager_id, channel]
audits:
  - {range: {response_rate: [0, 1], conversion: [0, 1], conversion_low: [0, 1], conversion_high: [0, 1]}}
  - {range: {control_conversion: [0, 1], uplift: [-1, 1], uplift_low: [-1, 1], uplift_high: [-1, 1], cost: [0, null]}}
  - {assert: "responded <= contacted and contacted <= listed and converted <= listed"}
---*/
-- One row per campaign (all), per branch and manager of its list, and per channel of the first
-- contact. Wilson's interval of a rate x / n (JASA 22 (1927) 209) and Newcombe's of a difference
-- (Statistics in Medicine 17 (1998) 873, method 10), for 95 %. A channel has no control group.
with people as (
    select
        campaign_id, 'all' as grain, '' as branch_id, '' as manager_id, '' as channel,
        customer_id, is_control, contacts, is_reached, is_interested, has_responded, is_converted,
        amount, is_overlapping
    from int_campaign_targets
    union all
    select
        campaign_id, 'branch', branch_id, '', '',
        customer_id, is_control, contacts, is_reached, is_interested, has_responded, is_converted,
        amount, is_overlapping
    from int_campaign_targets
    union all
    select
        campaign_id, 'manager', branch_id, manager_id, '',
        customer_id, is_control, contacts, is_reached, is_interested, has_responded, is_converted,
        amount, is_overlapping
    from int_campaign_targets
    union all
    select
        campaign_id, 'channel', '', '', first_channel,
        customer_id, is_control, contacts, is_reached, is_interested, has_responded, is_converted,
        amount, is_overlapping
    from int_campaign_targets
    where first_channel is not null
),

paid as (
    select
        contact.campaign_id, listed.branch_id, listed.manager_id, contact.channel,
        count(*) as contacts,
        sum(contact.cost) as cost
    from int_campaign_contacts as contact
    inner join int_campaign_targets as listed
        on listed.campaign_id = contact.campaign_id and listed.customer_id = contact.customer_id
    group by contact.campaign_id, listed.branch_id, listed.manager_id, contact.channel
),

costs as (
    select
        campaign_id,
        case
            when grouping(channel) = 0 then 'channel'
            when grouping(manager_id) = 0 then 'manager'
            when grouping(branch_id) = 0 then 'branch'
            else 'all'
        end as grain,
        coalesce(branch_id, '') as branch_id,
        coalesce(manager_id, '') as manager_id,
        coalesce(channel, '') as channel,
        sum(contacts) as contacts,
        sum(cost) as cost
    from paid
    group by grouping sets (
        (campaign_id), (campaign_id, branch_id), (campaign_id, branch_id, manager_id),
        (campaign_id, channel)
    )
),

-- A channel that was nobody's first has contacts and no customers.
counted as (
    select
        campaign_id, grain, branch_id, manager_id, channel,
        sum(case when is_control then 0 else 1 end) as listed,
        sum(case when is_control then 1 else 0 end) as control,
        sum(case when contacts > 0 then 1 else 0 end) as contacted,
        sum(case when is_reached then 1 else 0 end) as reached,
        sum(case when is_interested then 1 else 0 end) as interested,
        sum(case when has_responded then 1 else 0 end) as responded,
        sum(case when is_converted and not is_control then 1 else 0 end) as converted,
        sum(case when is_converted and is_control then 1 else 0 end) as control_converted,
        sum(case when is_overlapping then 1 else 0 end) as overlapping,
        sum(case when is_control then 0 else amount end) as amount
    from people
    group by campaign_id, grain, branch_id, manager_id, channel
    union all
    select
        campaign_id, grain, branch_id, manager_id, channel, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from costs
),

summed as (
    select
        campaign_id, grain, branch_id, manager_id, channel,
        cast(sum(listed) as bigint) as listed,
        cast(sum(control) as bigint) as control,
        cast(sum(contacted) as bigint) as contacted,
        cast(sum(reached) as bigint) as reached,
        cast(sum(interested) as bigint) as interested,
        cast(sum(responded) as bigint) as responded,
        cast(sum(converted) as bigint) as converted,
        cast(sum(control_converted) as bigint) as control_converted,
        cast(sum(overlapping) as bigint) as overlapping,
        cast(sum(amount) as decimal(18,2)) as amount
    from counted
    group by campaign_id, grain, branch_id, manager_id, channel
),

rates as (
    select
        summed.*,
        case when contacted > 0 then cast(responded as double) / contacted end as response,
        case when listed > 0 then cast(converted as double) / listed end as p1,
        case when control > 0 then cast(control_converted as double) / control end as p0,
        cast(nullif(listed, 0) as double) as n1,
        cast(nullif(control, 0) as double) as n0,
        cast(1.959963984540054 as double) * cast(1.959963984540054 as double) as z2
    from summed
),

bounds as (
    select
        rates.*,
        (p1 + z2 / (2 * n1) - sqrt(z2 * (p1 * (1 - p1) / n1 + z2 / (4 * n1 * n1))))
        / (1 + z2 / n1) as l1,
        (p1 + z2 / (2 * n1) + sqrt(z2 * (p1 * (1 - p1) / n1 + z2 / (4 * n1 * n1))))
        / (1 + z2 / n1) as u1,
        (p0 + z2 / (2 * n0) - sqrt(z2 * (p0 * (1 - p0) / n0 + z2 / (4 * n0 * n0))))
        / (1 + z2 / n0) as l0,
        (p0 + z2 / (2 * n0) + sqrt(z2 * (p0 * (1 - p0) / n0 + z2 / (4 * n0 * n0))))
        / (1 + z2 / n0) as u0
    from rates
)

select
    bounds.campaign_id,
    bounds.grain,
    bounds.branch_id,
    bounds.manager_id,
    bounds.channel,
    bounds.listed,
    bounds.control,
    bounds.overlapping,
    bounds.contacted,
    bounds.reached,
    bounds.interested,
    bounds.responded,
    bounds.converted,
    bounds.control_converted,
    bounds.amount,
    cast(coalesce(costs.contacts, 0) as bigint) as contacts,
    cast(coalesce(costs.cost, 0) as decimal(18,2)) as cost,
    case when bounds.converted > 0
        then average(cast(coalesce(costs.cost, 0) as decimal(18,2)), bounds.converted)
    end as unit_cost,
    cast(round(response, 6) as decimal(9,6)) as response_rate,
    cast(round(p1, 6) as decimal(9,6)) as conversion,
    cast(round(l1, 6) as decimal(9,6)) as conversion_low,
    cast(round(u1, 6) as decimal(9,6)) as conversion_high,
    cast(round(p0, 6) as decimal(9,6)) as control_conversion,
    cast(round(p1 - p0, 6) as decimal(9,6)) as uplift,
    cast(round(p1 - p0 - sqrt((p1 - l1) * (p1 - l1) + (u0 - p0) * (u0 - p0)), 6) as decimal(9,6))
        as uplift_low,
    cast(round(p1 - p0 + sqrt((u1 - p1) * (u1 - p1) + (p0 - l0) * (p0 - l0)), 6) as decimal(9,6))
        as uplift_high
from bounds
left join costs
    on costs.campaign_id = bounds.campaign_id
    and costs.grain = bounds.grain
    and costs.branch_id = bounds.branch_id
    and costs.manager_id = bounds.manager_id
    and costs.channel = bounds.channel
