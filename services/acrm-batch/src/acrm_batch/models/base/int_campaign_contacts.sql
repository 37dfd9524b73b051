/*---
description: Contacts of the campaigns that are evaluated, each with its cost.
kind: base
partition: as_of
key: [contact_id]
window: {stg_contacts: campaign.days_back}
audits:
  - {not_null: [cost]}
---*/
-- One row per marketing contact of a campaign to somebody on its list who was not held back.
select
    contact.contact_id,
    listed.campaign_id,
    listed.customer_id,
    contact.contacted_on,
    contact.channel,
    coalesce(contact.result, '') not in ('', 'not_reached') as is_reached,
    coalesce(contact.result, '') in ('interested', 'accepted', 'sold') as is_interested,
    case contact.channel
        when 'sms' then param('campaign.cost_sms', listed.legal_entity_id)
        when 'call' then param('campaign.cost_call', listed.legal_entity_id)
        when 'visit' then param('campaign.cost_visit', listed.legal_entity_id)
        when 'app' then param('campaign.cost_app', listed.legal_entity_id)
        when 'wechat' then param('campaign.cost_wechat', listed.legal_entity_id)
        when 'mail' then param('campaign.cost_mail', listed.legal_entity_id)
        else param('campaign.cost_counter', listed.legal_entity_id)
    end as cost,
    row_number() over (
        partition by listed.campaign_id, listed.customer_id
        order by contact.contacted_on, contact.contact_id
    ) as contact_number
from stg_contacts as contact
inner join int_campaign_lists as listed
    on listed.campaign_id = contact.campaign_id
    and listed.customer_id = contact.customer_id
    and not listed.is_control
    and contact.contacted_on >= listed.starts_on
    and contact.contacted_on <= listed.contacts_until
where contact.contact_class = 'marketing'
