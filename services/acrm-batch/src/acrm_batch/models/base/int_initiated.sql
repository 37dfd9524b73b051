/*---
description: What a customer did with his accounts himself, lately.
kind: base
partition: as_of
key: [customer_id]
audits:
  - {assert: "rfm_cnt > 0 or rfm_amt = 0"}
---*/
-- One row per customer with a customer-initiated booking in the longer of the two windows.
with initiated as (
    select
        customer_id,
        booked_on,
        initiated_cnt,
        initiated_amt,
        booked_on > $bd - cast(param('rfm.days') as integer) as is_rfm
    from int_account_days
    where
        initiated_cnt > 0
        and booked_on > $bd - cast(greatest(
            param('rfm.days'), param('lifecycle.dormant_days')
        ) as integer)
)

select
    customer_id,
    max(booked_on) as last_on,
    cast(sum(case when is_rfm then initiated_cnt else 0 end) as bigint) as rfm_cnt,
    cast(sum(case when is_rfm then initiated_amt else 0 end) as decimal(18,2)) as rfm_amt
from initiated
group by customer_id
