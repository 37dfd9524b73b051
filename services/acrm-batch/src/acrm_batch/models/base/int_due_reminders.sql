/*---
description: Every reminder of the night, with its business key and the day it is due on.
kind: base
partition: as_of
key: [reminder_id]
version: 1
audits:
  - {not_null: [customer_id, subject, reminder_window, due_on, lead_branch_id]}
  - {assert: "due_on > $bd"}
---*/
-- One row per reminder of the night.
with raised as (
    select * from int_reminders_due
    union all
    select * from int_reminders_overdue
    union all
    select * from int_reminders_care
    union all
    select * from int_reminders_changes
    union all
    select * from int_reminders_work
),

-- The legal entity whose days ahead hold is the branch's, else that of the customer's home.
entities as (
    select
        raised.*,
        decision.lead_branch_id,
        coalesce(unit.legal_entity_id, customer.legal_entity_id) as legal_entity_id
    from raised
    inner join int_customers as customer on customer.customer_id = raised.customer_id
    inner join int_lead_decisions as decision on decision.customer_id = raised.customer_id
    left join int_org_units as unit on unit.org_id = raised.branch_id
)

select
    reminder_id(entities.rule_code, subject, reminder_window) as reminder_id,
    entities.rule_code,
    customer_id,
    branch_id,
    subject,
    reminder_window,
    due_on,
    amount,
    lead_branch_id,
    currency,
    ahead.days as days_ahead,
    $version as rule_version
from entities
inner join int_due_days as ahead
    on ahead.rule_code = entities.rule_code
    and ahead.legal_entity_id = entities.legal_entity_id
where due_on > $bd and due_on <= $bd + ahead.days
