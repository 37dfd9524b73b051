/*---
description: Who is on the list of a campaign that is evaluated, and until when what he does counts.
kind: base
partition: as_of
key: [campaign_id, customer_id]
window: {stg_campaign_targets: [campaign.days_back, campaign.list_days]}
audits:
  - {not_null: [branch_id, manager_id]}
---*/
-- One row per campaign that began within the days, and active customer on its list, which may be
-- older than the campaign: it is read for so many days that it stays as long as that. Who has no
-- manager belongs to the virtual one of his branch. Who was delivered on two days alike is listed
-- once; of another branch, manager or group on the second, he would be counted twice, and blocks.
with campaigns as (
    select
        campaign.campaign_id,
        campaign.product,
        campaign.starts_on,
        least(campaign.ends_on, $bd) as contacts_until,
        coalesce(unit.legal_entity_id, '*') as legal_entity_id,
        cast(param('campaign.response_days', coalesce(unit.legal_entity_id, '*')) as integer)
            as response_days,
        campaign.ends_on
    from stg_campaigns as campaign
    left join int_org_units as unit on unit.org_id = campaign.org_id
    where
        campaign.starts_on <= $bd
        and campaign.starts_on > $bd - param('campaign.days_back')
),

targets as (
    select distinct
        target.campaign_id,
        target.customer_id,
        target.branch_id,
        target.manager_id,
        target.is_control
    from stg_campaign_targets as target
    inner join campaigns on campaigns.campaign_id = target.campaign_id
    where
        target.listed_on <= $bd
        and target.listed_on >= campaigns.starts_on - greatest(
            cast(param('campaign.list_days') as integer)
            - cast(param('campaign.days_back') as integer), 0
        )
)

select
    campaigns.*,
    target.customer_id,
    target.branch_id,
    coalesce(target.manager_id, 'V:' || target.branch_id) as manager_id,
    target.is_control,
    least(campaigns.ends_on + campaigns.response_days, $bd) as opened_until
from campaigns
inner join targets as target on target.campaign_id = campaigns.campaign_id
inner join int_customers as customer on customer.customer_id = target.customer_id
