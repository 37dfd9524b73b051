/*---
description: >-
  Contacts with customers; the cap counts those of class marketing.
kind: staging
key: [contact_id]
---*/
-- One row per contact_id of the window.
select
    contact_id,
    customer_id,
    campaign_id,
    channel,
    contact_class,
    contacted_at,
    bank_date(contacted_at) as contacted_on,
    result,
    employee_id
from landing.contacts
