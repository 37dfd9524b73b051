/*---
description: Marketing contacts of the days that the contact cap speaks of.
kind: base
partition: as_of
key: [customer_id]
window: {stg_contacts: contact.cap_days}
---*/
-- One row per customer with such contacts, with the campaigns and channels that contributed.
select
    contact.customer_id,
    cast(count(*) as integer) as capped_contacts,
    cast(param('contact.cap', customer.legal_entity_id) as integer) as cap,
    list_sort(list_distinct(list(cast(contact.campaign_id as varchar)))) as campaign_ids,
    list_sort(list_distinct(list(contact.channel))) as channels
from stg_contacts as contact
inner join int_customers as customer on customer.customer_id = contact.customer_id
where
    contact.contact_class = 'marketing'
    and contact.contacted_on > $bd - param('contact.cap_days')
    and contact.contacted_on <= $bd
group by contact.customer_id, customer.legal_entity_id
