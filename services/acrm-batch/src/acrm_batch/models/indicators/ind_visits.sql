/*---
description: Visit quotas of customers with large loans, and whether they are met.
kind: indicator
partition: as_of
key: [customer_id]
---*/
-- One row per customer with a quota.
select
    customer_id,
    1 as visit_quota_cnt,
    case when is_met then 1 else 0 end as visit_quota_met_cnt,
    visits as visit_quota_visits
from int_visit_quotas
