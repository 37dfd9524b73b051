/*---
description: How often, how and with what result a customer was contacted, and listed for campaigns.
kind: indicator
partition: as_of
key: [customer_id]
window: {stg_contacts: 365, stg_campaign_targets: 365}
audits:
  - {assert: "mkt_sold_90d <= mkt_interested_90d and mkt_interested_90d <= mkt_reached_90d"}
---*/
-- One row per customer contacted or listed within 365 days. A contact reached the customer if its
-- result says so: neither with `not_reached` nor without one; and connected him if both could speak.
with contacts as (
    select
        *,
        contact_class = 'marketing' as is_marketing,
        coalesce(result <> 'not_reached', false) as is_reached,
        coalesce(result <> 'not_reached' and channel in ('call', 'visit', 'counter'), false)
            as is_connected,
        coalesce(result in ('interested', 'accepted', 'sold'), false) as is_interested,
        coalesce(result in ('accepted', 'sold'), false) as is_sold,
        coalesce(result = 'refused', false) as is_refused,
        coalesce(result = 'opted_out', false) as is_opted_out
    from stg_contacts
    where contacted_on <= $bd and contacted_on > $bd - 365
),

contacted as (
    select
        customer_id,
        count(*) filter (where is_marketing and contacted_on > $bd - 30) as mkt_contacts_30d,
        count(*) filter (where is_marketing and contacted_on > $bd - 90) as mkt_contacts_90d,
        count(*) filter (where is_marketing and contacted_on > $bd - 365) as mkt_contacts_365d,
        count(*) filter (where is_marketing and channel = 'sms' and contacted_on > $bd - 90)
            as mkt_sms_90d,
        count(*) filter (where is_marketing and channel = 'call' and contacted_on > $bd - 90)
            as mkt_call_90d,
        count(*) filter (where is_marketing and channel = 'visit' and contacted_on > $bd - 90)
            as mkt_visit_90d,
        count(*) filter (where is_marketing and channel = 'app' and contacted_on > $bd - 90)
            as mkt_app_90d,
        count(*) filter (where is_marketing and channel = 'wechat' and contacted_on > $bd - 90)
            as mkt_wechat_90d,
        count(*) filter (where is_marketing and channel = 'mail' and contacted_on > $bd - 90)
            as mkt_mail_90d,
        count(*) filter (where is_marketing and channel = 'counter' and contacted_on > $bd - 90)
            as mkt_counter_90d,
        count(*) filter (where channel = 'visit' and contacted_on > $bd - 30) as visits_30d,
        count(*) filter (where contact_class = 'service' and contacted_on > $bd - 30)
            as service_contacts_30d,
        count(*) filter (where contact_class = 'care' and contacted_on > $bd - 30)
            as care_contacts_30d,
        count(*) filter (where channel = 'visit' and contacted_on > $bd - 90) as visits_90d,
        count(*) filter (where contact_class = 'service' and contacted_on > $bd - 90)
            as service_contacts_90d,
        count(*) filter (where contact_class = 'care' and contacted_on > $bd - 90)
            as care_contacts_90d,
        count(*) filter (where channel = 'sms' and contacted_on > $bd - 90) as sms_sent_90d,
        count(*) filter (where channel = 'sms' and result is not null and contacted_on > $bd - 90)
            as sms_known_90d,
        count(*) filter (where channel = 'sms' and is_reached and contacted_on > $bd - 90)
            as sms_delivered_90d,
        count(*) filter (where is_marketing and is_reached and contacted_on > $bd - 90)
            as mkt_reached_90d,
        count(*) filter (where is_marketing and is_connected and contacted_on > $bd - 90)
            as mkt_connected_90d,
        count(*) filter (where is_marketing and is_interested and contacted_on > $bd - 90)
            as mkt_interested_90d,
        count(*) filter (where is_marketing and is_sold and contacted_on > $bd - 90)
            as mkt_sold_90d,
        count(*) filter (where is_marketing and is_refused and contacted_on > $bd - 90)
            as mkt_refused_90d,
        count(*) filter (where is_marketing and is_opted_out and contacted_on > $bd - 90)
            as mkt_opted_out_90d,
        max(contacted_on) as contact_last_on,
        max(case when is_marketing then contacted_on end) as mkt_last_on,
        max(case when channel = 'visit' then contacted_on end) as visit_last_on,
        max(case when channel in ('visit', 'call') and coalesce(result, '') <> 'not_reached'
            then contacted_on end) as maintained_last_on,
        max(case when is_marketing and is_opted_out then contacted_on end) as opted_out_on
    from contacts
    group by customer_id
),

latest as (
    select customer_id, channel, result
    from contacts
    qualify row_number() over (
        partition by customer_id order by contacted_at desc, contact_id desc
    ) = 1
),

campaigns as (
    select customer_id, campaign_id, max(listed_on) as listed_on
    from stg_campaign_targets
    where listed_on <= $bd and not is_control
    group by customer_id, campaign_id
),

listed as (
    select
        customer_id,
        count(*) filter (where listed_on > $bd - 30) as campaigns_30d,
        count(*) filter (where listed_on > $bd - 90) as campaigns_90d,
        count(*) filter (where listed_on > $bd - 365) as campaigns_365d
    from campaigns
    group by customer_id
),

people as (
    select customer_id from contacted
    union
    select customer_id from listed
)

select
    people.customer_id,
    coalesce(contacted.mkt_contacts_30d, 0) as mkt_contacts_30d,
    coalesce(contacted.mkt_contacts_90d, 0) as mkt_contacts_90d,
    coalesce(contacted.mkt_contacts_365d, 0) as mkt_contacts_365d,
    coalesce(contacted.mkt_sms_90d, 0) as mkt_sms_90d,
    coalesce(contacted.mkt_call_90d, 0) as mkt_call_90d,
    coalesce(contacted.mkt_visit_90d, 0) as mkt_visit_90d,
    coalesce(contacted.mkt_app_90d, 0) as mkt_app_90d,
    coalesce(contacted.mkt_wechat_90d, 0) as mkt_wechat_90d,
    coalesce(contacted.mkt_mail_90d, 0) as mkt_mail_90d,
    coalesce(contacted.mkt_counter_90d, 0) as mkt_counter_90d,
    coalesce(contacted.visits_30d, 0) as visits_30d,
    coalesce(contacted.service_contacts_30d, 0) as service_contacts_30d,
    coalesce(contacted.care_contacts_30d, 0) as care_contacts_30d,
    coalesce(contacted.visits_90d, 0) as visits_90d,
    coalesce(contacted.service_contacts_90d, 0) as service_contacts_90d,
    coalesce(contacted.care_contacts_90d, 0) as care_contacts_90d,
    coalesce(contacted.sms_sent_90d, 0) as sms_sent_90d,
    coalesce(contacted.sms_known_90d, 0) as sms_known_90d,
    coalesce(contacted.sms_delivered_90d, 0) as sms_delivered_90d,
    coalesce(contacted.mkt_reached_90d, 0) as mkt_reached_90d,
    coalesce(contacted.mkt_connected_90d, 0) as mkt_connected_90d,
    coalesce(contacted.mkt_interested_90d, 0) as mkt_interested_90d,
    coalesce(contacted.mkt_sold_90d, 0) as mkt_sold_90d,
    coalesce(contacted.mkt_refused_90d, 0) as mkt_refused_90d,
    coalesce(contacted.mkt_opted_out_90d, 0) as mkt_opted_out_90d,
    contacted.contact_last_on,
    contacted.mkt_last_on,
    contacted.visit_last_on,
    contacted.maintained_last_on,
    contacted.opted_out_on,
    latest.channel as contact_last_channel,
    latest.result as contact_last_result,
    case when contacted.mkt_contacts_90d > 0 then 1 else 0 end as is_contacted,
    case when contacted.mkt_reached_90d > 0 then 1 else 0 end as is_reached,
    case when contacted.mkt_interested_90d > 0 then 1 else 0 end as is_interested,
    coalesce(listed.campaigns_30d, 0) as campaigns_30d,
    coalesce(listed.campaigns_90d, 0) as campaigns_90d,
    coalesce(listed.campaigns_365d, 0) as campaigns_365d
from people
left join contacted on contacted.customer_id = people.customer_id
left join latest on latest.customer_id = people.customer_id
left join listed on listed.customer_id = people.customer_id
