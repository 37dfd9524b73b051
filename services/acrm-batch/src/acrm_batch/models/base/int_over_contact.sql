/*---
description: Customers with more marketing contacts than the cap allows.
kind: base
partition: as_of
key: [customer_id]
---*/
-- One row per customer above the contact cap, with the campaigns and channels that contributed.
select
    customer_id,
    capped_contacts as contacts,
    cap,
    campaign_ids,
    channels
from int_capped_contacts
where capped_contacts > cap
