/*---
description: >-
  Wealth, fund and insurance products as delivered, from the last full delivery before the window on.
kind: staging
key: [holding_id, business_date]
---*/
-- One row per holding_id and day on which it was delivered.
select
    holding_id,
    amount,
    bought_on,
    ended_on,
    business_date
from landing.wealth_holdings_history
