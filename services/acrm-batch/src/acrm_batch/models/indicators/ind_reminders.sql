/*---
description: How reminders came to their end at the branch and manager that had them.
kind: indicator
partition: as_of
key: [branch_id, manager_id]
window: {stg_reminder_outcomes: [month, 30]}
audits:
  - {assert: "rem_done_m <= rem_ended_m and rem_done_30d <= rem_ended_30d"}
  - {assert: "rem_minutes_m >= 0 and rem_minutes_30d >= 0"}
---*/
-- One row per branch and manager with such reminders in the month so far or in the last 30 days.
select
    branch_id,
    manager_id,
    count(*) filter (where ended_on >= date_trunc('month', $bd)) as rem_ended_m,
    count(*) filter (where state = 'done' and ended_on >= date_trunc('month', $bd)) as rem_done_m,
    cast(coalesce(sum(minutes_open) filter (
        where state = 'done' and ended_on >= date_trunc('month', $bd)
    ), 0) as bigint) as rem_minutes_m,
    count(*) filter (where ended_on > $bd - 30) as rem_ended_30d,
    count(*) filter (where state = 'done' and ended_on > $bd - 30) as rem_done_30d,
    cast(coalesce(sum(minutes_open) filter (
        where state = 'done' and ended_on > $bd - 30
    ), 0) as bigint) as rem_minutes_30d
from stg_reminder_outcomes
where ended_on <= $bd and (ended_on >= date_trunc('month', $bd) or ended_on > $bd - 30)
group by branch_id, manager_id
