/*---
description: Response, conversion, uplift against control, and cost of campaigns.
kind: publish
partition: as_of
key: [campaign_id, grain, branch_id, manager_id, channel]
---*/
-- One row per campaign, and per branch, manager and channel of it.
select * from int_campaign_results
