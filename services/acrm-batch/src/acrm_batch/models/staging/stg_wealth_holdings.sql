/*---
description: >-
  Wealth, fund and insurance products held; held until `ended_on`.
kind: staging
key: [holding_id]
---*/
-- One row per holding_id, as it stands on the business date.
select
    holding_id,
    customer_id,
    branch_id,
    kind,
    product,
    amount,
    bought_on,
    matures_on,
    ended_on
from landing.wealth_holdings
