/*---
description: Due reminders of the night.
kind: publish
partition: as_of
key: [reminder_id]
---*/
-- One row per reminder.
select * exclude (currency, days_ahead, rule_version)
from int_due_reminders
