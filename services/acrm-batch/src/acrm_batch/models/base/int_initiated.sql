/*---
description: What a customer did with his accounts himself, lately.
kind: base
partition: as_of
key: [customer_id]
window: {stg_transactions: [rfm.days, lifecycle.dormant_days]}
audits:
  - {assert: "rfm_cnt > 0 or rfm_amt = 0"}
---*/
-- One row per customer with a customer-initiated booking in the longer of the two windows. Reversals
-- and what they reversed are left out.
with reversed as (
    select reverses_txn_id as txn_id from stg_transactions where reverses_txn_id is not null
),

initiated as (
    select
        account.customer_id,
        booking.booked_on,
        booking.amount,
        booking.booked_on > $bd - cast(param('rfm.days') as integer) as is_rfm
    from stg_transactions as booking
    inner join stg_deposit_accounts as account on account.account_id = booking.account_id
    where
        booking.booked_on > $bd - cast(greatest(
            param('rfm.days'), param('lifecycle.dormant_days')
        ) as integer)
        and booking.booked_on <= $bd
        and is_initiated(booking.channel, booking.txn_type)
        and booking.reverses_txn_id is null
        and booking.txn_id not in (select txn_id from reversed)
)

select
    customer_id,
    max(booked_on) as last_on,
    count(case when is_rfm then 1 end) as rfm_cnt,
    cast(coalesce(sum(case when is_rfm then amount end), 0) as decimal(18,2)) as rfm_amt
from initiated
group by customer_id
