/*---
description: >-
  Statements of credit cards; unpaid while `paid_on` is empty.
kind: staging
key: [card_id, statement_on]
---*/
-- One row per card_id and statement_on, as it stands on the business date.
select
    card_id,
    statement_on,
    due_on,
    amount,
    minimum_due,
    paid_on
from landing.card_statements
