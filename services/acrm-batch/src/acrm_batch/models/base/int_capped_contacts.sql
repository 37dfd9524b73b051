/*---
description: Marketing contacts of the days that the contact cap speaks of.
kind: base
partition: as_of
key: [customer_id]
window: {stg_contacts: contact.cap_days}
---*/
-- One row per customer with such contacts, with the campaigns and channels that contributed.
with entities as (
    select distinct legal_entity_id from int_customers
),

limits as (
    select
        legal_entity_id,
        cast(param('contact.cap', legal_entity_id) as integer) as cap,
        $bd - cast(param('contact.cap_days', legal_entity_id) as integer) as after_on
    from entities
)

select
    contact.customer_id,
    cast(count(*) as integer) as capped_contacts,
    limits.cap,
    list_sort(list_distinct(list(cast(contact.campaign_id as varchar)))) as campaign_ids,
    list_sort(list_distinct(list(contact.channel))) as channels
from stg_contacts as contact
inner join int_customers as customer on customer.customer_id = contact.customer_id
inner join limits on limits.legal_entity_id = customer.legal_entity_id
where
    contact.contact_class = 'marketing'
    and contact.contacted_on > limits.after_on
    and contact.contacted_on <= $bd
group by contact.customer_id, limits.cap
