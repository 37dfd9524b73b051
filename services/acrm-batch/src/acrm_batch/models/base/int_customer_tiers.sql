/*---
description: The tier of a customer on any day.
kind: base
partition: as_of
key: [customer_id]
audits:
  - equal_sums: {with: int_customers, by: [customer_id], columns: [1]}
  - {share_drift: {columns: [tier], max_points: 10}, severity: warn}
---*/
-- One row per active customer: the tier of the last month end, or, who has none there, the one that
-- he reaches today. `aum` and `contrib` are today's.
select
    today.customer_id,
    coalesce(
        decided.tier,
        case today.natural_rank when 3 then 'gold' when 2 then 'profit' else today.general_tier end
    ) as tier,
    coalesce(decided.tier_rank, today.natural_rank) as tier_rank,
    today.aum,
    today.contrib
from int_natural_tiers as today
left join int_tiers as decided on decided.customer_id = today.customer_id
