/*---
description: >-
  Who was put on a campaign's list, of which branch and manager, and who was held back as control.
kind: staging
key: [campaign_id, customer_id]
---*/
-- One row per campaign and customer listed in the window.
select
    campaign_id,
    customer_id,
    branch_id,
    manager_id,
    is_control,
    listed_on
from landing.campaign_targets
