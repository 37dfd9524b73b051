/*---
description: Events that came until lately and have stopped.
kind: check
partition: as_of
key: [source]
window: {stg_contacts: 30, stg_card_transactions: 30, stg_reminder_outcomes: 30}
audits:
  - {assert: "newest_on >= $bd - 7", severity: warn}
---*/
-- One row per source with events in the last 30 days, and the day of its newest. A table without news
-- comes as an empty file, so a feed that broke says nothing; a bank that has no such events has no
-- row. The ledger's own are looked at in `int_flow_spans`.
with newest as (
    select 'contacts' as source, max(contacted_on) as newest_on from stg_contacts
    union all
    select 'card_transactions', max(bank_date(booked_at)) from stg_card_transactions
    union all
    select 'reminder_outcomes', max(ended_on) from stg_reminder_outcomes
)

select
    source,
    newest_on
from newest
where newest_on is not null
