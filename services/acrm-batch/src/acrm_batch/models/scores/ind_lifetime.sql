/*---
description: Customer lifetime value of the next twelve months, from catalogue/lifetime.yml.
kind: lifetime
partition: as_of
key: [customer_id]
audits:
  - {not_null: [clv_alive, clv_12m]}
  - {range: {clv_alive: [0, 1], clv_12m: [0, null]}}
  - {mean_drift: {columns: [clv_12m], max_pct: "param('audit.score_drift_pct')"}, severity: warn}
---*/
-- One row per active customer with activity up to the last month end, and his age then.
select
    activity.customer_id,
    cast(activity.active_weeks - 1 as double) as repeats,
    cast(activity.last_week - activity.first_week as double) as last,
    cast(floor(date_diff('day', cast('1970-01-05' as date), activity.month_end) / 7)
        - activity.first_week as double) as age,
    cast(activity.turnover as double) / activity.active_weeks as value
from int_active_weeks as activity
inner join int_customers as customer on customer.customer_id = activity.customer_id
