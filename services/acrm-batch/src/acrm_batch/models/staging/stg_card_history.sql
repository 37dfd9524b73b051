/*---
description: >-
  Cards as delivered, from the last full delivery before the window on.
kind: staging
key: [card_id, business_date]
---*/
-- One row per card_id and day on which it was delivered.
select
    card_id,
    card_type,
    balance,
    issued_on,
    closed_on,
    business_date
from landing.credit_cards_history
