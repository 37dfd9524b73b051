/*---
description: What came until lately and has stopped, and lists of running campaigns that have not come.
kind: check
partition: as_of
key: [source]
window: {stg_balance_history: 30, stg_loan_events: 30, stg_contacts: 30, stg_card_transactions: 30, stg_reminder_outcomes: 30}
audits:
  - {assert: "newest_on >= $bd - 7", severity: warn}
---*/
-- One row per source with rows in the last 30 days, and the day of its newest; and per running campaign
-- that is evaluated and has nobody on its list, with the day it began. A table without news comes as an
-- empty file, so a feed that broke says nothing; a bank that has no such rows has no row here. The
-- ledger's own are looked at in `int_flow_spans`.
with newest as (
    select 'balances' as source, max(business_date) as newest_on from stg_balance_history
    union all
    select 'loan_events', max(occurred_on) from stg_loan_events
    union all
    select 'contacts', max(contacted_on) from stg_contacts
    union all
    select 'card_transactions', max(bank_date(booked_at)) from stg_card_transactions
    union all
    select 'reminder_outcomes', max(ended_on) from stg_reminder_outcomes
    union all
    select 'campaign_targets of campaign ' || campaign.campaign_id, campaign.starts_on
    from stg_campaigns as campaign
    left join (select distinct campaign_id from int_campaign_lists) as listed
        on listed.campaign_id = campaign.campaign_id
    where
        listed.campaign_id is null
        and campaign.starts_on <= $bd
        and campaign.starts_on > $bd - param('campaign.days_back')
        and campaign.ends_on >= $bd
)

select
    source,
    newest_on
from newest
where newest_on is not null
