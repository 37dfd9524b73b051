/*---
description: >-
  Digital channels a customer signed, and when it was last used.
kind: staging
key: [customer_id, channel]
---*/
-- One row per customer_id and channel, as it stands on the business date.
select
    customer_id,
    channel,
    signed_on,
    ended_on,
    last_used_on
from landing.digital_channels
