/*---
description: What a customer did with his accounts himself, lately.
kind: base
partition: as_of
key: [customer_id]
window: {stg_transactions: [rfm.days, lifecycle.dormant_days, activity.dormant_days]}
audits:
  - {assert: "rfm_cnt > 0 or rfm_amt = 0"}
---*/
-- One row per customer with a customer-initiated booking in the longest of the windows. Reversals
-- and what they reversed are left out. A customer who is not active has the days of everybody.
-- `awake_until` is the last day on which `lifecycle.dormant_days` still count his last booking.
with entities as (
    select legal_entity_id from int_customers
    union
    select '*' as legal_entity_id
),

limits as (
    select
        legal_entity_id,
        $bd - cast(param('rfm.days') as integer) as rfm_after,
        cast(param('lifecycle.dormant_days', legal_entity_id) as integer) as dormant_days,
        $bd - greatest(
            cast(param('rfm.days') as integer),
            cast(param('lifecycle.dormant_days', legal_entity_id) as integer),
            cast(param('activity.dormant_days', legal_entity_id) as integer)
        ) as initiated_after
    from entities
),

accounts as (
    select
        account.account_id,
        account.customer_id,
        limits.rfm_after,
        limits.dormant_days,
        limits.initiated_after
    from stg_deposit_accounts as account
    left join int_customers as customer on customer.customer_id = account.customer_id
    inner join limits on limits.legal_entity_id = coalesce(customer.legal_entity_id, '*')
),

reversed as (
    select reverses_txn_id as txn_id from stg_transactions where reverses_txn_id is not null
),

initiated as (
    select
        account.customer_id,
        booking.booked_on,
        booking.amount,
        booking.booked_on > account.rfm_after as is_rfm,
        booking.booked_on + account.dormant_days - 1 as awake_until
    from stg_transactions as booking
    inner join accounts as account on account.account_id = booking.account_id
    where
        booking.booked_on > account.initiated_after
        and booking.booked_on <= $bd
        and is_initiated(booking.channel, booking.txn_type)
        and booking.reverses_txn_id is null
        and booking.txn_id not in (select txn_id from reversed)
)

select
    customer_id,
    max(booked_on) as initiated_last_on,
    max(awake_until) as awake_until,
    count(case when is_rfm then 1 end) as rfm_cnt,
    cast(coalesce(sum(case when is_rfm then amount end), 0) as decimal(18,2)) as rfm_amt
from initiated
group by customer_id
