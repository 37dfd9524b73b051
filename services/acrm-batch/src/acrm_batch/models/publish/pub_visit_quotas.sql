/*---
description: Visit quotas of the month and whether they are met.
kind: publish
partition: as_of
key: [customer_id]
---*/
-- One row per customer with a quota.
select * from int_visit_quotas
