/*---
description: Amounts are added up as they are, so everything added up must be in one currency.
kind: check
partition: as_of
key: [currency]
audits:
  - {assert: "currencies = 1"}
---*/
-- One row per currency of open deposit accounts and running loans.
with amounts as (
    select currency from int_account_balances where is_open
    union all
    select currency from stg_loans where status = 'running'
)

select
    currency,
    count(*) as accounts,
    count(*) over () as currencies
from amounts
group by currency
