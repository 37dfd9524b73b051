/*---
description: Double entry per day since the last month end.
kind: base
partition: as_of
key: [day]
window: {stg_transactions: month_end, stg_gl_totals: month_end}
audits:
  - {assert: "deposits_net + general_ledger_net = 0"}
---*/
-- One row per day: net movement of the deposits, and that of the general ledger's counter entries.
with entries as (
    select
        booked_on as day,
        case direction when 'credit' then amount else -amount end as deposits,
        0 as general_ledger
    from stg_transactions
    union all
    select business_date, 0, credit - debit from stg_gl_totals
)

select
    day,
    cast(sum(deposits) as decimal(18,2)) as deposits_net,
    cast(sum(general_ledger) as decimal(18,2)) as general_ledger_net
from entries
where day <= $bd
group by day
