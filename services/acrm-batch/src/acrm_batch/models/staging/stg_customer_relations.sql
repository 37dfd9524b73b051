/*---
description: >-
  `related_customer_id` is the `relation` of `customer_id` (its member, its guarantor …).
kind: staging
key: [customer_id, related_customer_id, relation]
---*/
-- One row per customer_id and related_customer_id and relation, as it stands on the business date.
select
    customer_id,
    related_customer_id,
    relation,
    share,
    effective_from,
    effective_until
from landing.customer_relations
