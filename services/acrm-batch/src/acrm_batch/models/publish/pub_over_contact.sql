/*---
description: Customers above the contact cap.
kind: publish
partition: as_of
key: [customer_id]
---*/
-- One row per customer above the contact cap.
select
    above.customer_id,
    above.contacts,
    above.cap,
    covering.covering_branch_ids,
    above.campaign_ids,
    above.channels
from int_over_contact as above
inner join int_covering_branches as covering on covering.customer_id = above.customer_id
