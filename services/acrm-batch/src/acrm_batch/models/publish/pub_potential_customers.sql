/*---
description: Tags of potential customers that hold, with their strength and how long the list may be used.
kind: publish
partition: as_of
key: [customer_id, path]
pack: strengths
audits:
  - {assert: "strength between 0 and 100"}
---*/
-- One row per customer and tag of potential customers that holds.
select
    *,
    $bd + cast(param('potential.valid_days', legal_entity_id) as integer) as valid_until
from tag_customers
