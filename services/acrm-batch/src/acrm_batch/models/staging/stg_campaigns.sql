/*---
description: >-
  Campaigns of the past, as the bank's former systems recorded them.
kind: staging
key: [campaign_id]
---*/
-- One row per campaign_id, as it stands on the business date.
select
    campaign_id,
    org_id,
    name,
    product,
    starts_on,
    ends_on
from landing.campaigns
