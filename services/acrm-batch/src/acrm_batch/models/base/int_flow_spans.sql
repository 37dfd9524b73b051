/*---
description: Money in and out per customer, branch of the account and span of days, by kind and channel, for 90 days.
kind: base
partition: as_of
key: [customer_id, branch_id, within_days]
window: {stg_transactions: 90}
audits:
  - {assert: "in_amt >= 0 and out_amt >= 0"}
  - {assert: "days_mask > 0"}
  - {assert: "morning_cnt + afternoon_cnt + evening_cnt + night_cnt = counter_cnt + atm_cnt + pos_cnt + mobile_cnt + web_cnt + third_party_cnt"}
  - {freshness: {last_on: 7}, severity: warn}
---*/
-- One row per customer, branch and span with a booking. There are three spans, each without the days
-- of the shorter ones: within 7, 30 and 90 days. Bit n of days_mask is set where something was booked
-- on the n-th day back of the span: bits count days, and those of several branches join by `or`.
-- Reversals and what they reversed are left out. `last_on` counts what the bank books itself, too.
with reversed as (
    select reverses_txn_id as txn_id from stg_transactions where reverses_txn_id is not null
),

bookings as (
    select
        account.customer_id,
        account.branch_id,
        case
            when booking.booked_on > $bd - 7 then 7
            when booking.booked_on > $bd - 30 then 30
            else 90
        end as within_days,
        cast(power(2, case
            when booking.booked_on > $bd - 7 then $bd - booking.booked_on
            when booking.booked_on > $bd - 30 then $bd - 7 - booking.booked_on
            else $bd - 30 - booking.booked_on
        end) as bigint) as day_bit,
        booking.booked_on,
        booking.amount,
        booking.direction = 'credit' as is_credit,
        booking.direction = 'debit' and booking.counterparty_bank is not null as is_other_bank,
        booking.txn_type,
        booking.channel,
        extract(hour from (booking.booked_at + interval 8 hour)) as bank_hour
    from stg_transactions as booking
    inner join stg_deposit_accounts as account on account.account_id = booking.account_id
    where
        booking.booked_on > $bd - 90
        and booking.booked_on <= $bd
        and booking.reverses_txn_id is null
        and booking.txn_id not in (select txn_id from reversed)
)

select
    customer_id,
    branch_id,
    within_days,
    max(booked_on) as last_on,
    bit_or(day_bit) as days_mask,
    cast(coalesce(sum(amount) filter (where is_credit), 0) as decimal(18,2)) as in_amt,
    count(*) filter (where is_credit) as in_cnt,
    coalesce(max(amount) filter (where is_credit), 0) as in_max,
    cast(coalesce(sum(amount) filter (where not is_credit), 0) as decimal(18,2)) as out_amt,
    count(*) filter (where not is_credit) as out_cnt,
    coalesce(max(amount) filter (where not is_credit), 0) as out_max,
    cast(coalesce(sum(amount) filter (where is_other_bank), 0) as decimal(18,2)) as other_amt,
    count(*) filter (where is_other_bank) as other_cnt,
    cast(coalesce(sum(amount) filter (where is_credit and txn_type = 'acquiring'), 0)
        as decimal(18,2)) as acquiring_amt,
    cast(coalesce(sum(amount) filter (where is_credit and txn_type = 'payroll'), 0)
        as decimal(18,2)) as payroll_amt,
    cast(coalesce(sum(amount) filter (where is_credit and txn_type = 'pension'), 0)
        as decimal(18,2)) as pension_amt,
    count(*) filter (where channel = 'counter') as counter_cnt,
    count(*) filter (where channel = 'atm') as atm_cnt,
    count(*) filter (where channel = 'pos') as pos_cnt,
    count(*) filter (where channel = 'mobile') as mobile_cnt,
    count(*) filter (where channel = 'web') as web_cnt,
    count(*) filter (where channel = 'third_party') as third_party_cnt,
    count(*) filter (
        where channel not in ('system', 'unknown') and (bank_hour < 8 or bank_hour >= 18)
    ) as off_hours_cnt,
    count(*) filter (
        where channel not in ('system', 'unknown') and bank_hour >= 6 and bank_hour < 12
    ) as morning_cnt,
    count(*) filter (
        where channel not in ('system', 'unknown') and bank_hour >= 12 and bank_hour < 18
    ) as afternoon_cnt,
    count(*) filter (
        where channel not in ('system', 'unknown') and bank_hour >= 18 and bank_hour < 22
    ) as evening_cnt,
    count(*) filter (
        where channel not in ('system', 'unknown') and (bank_hour < 6 or bank_hour >= 22)
    ) as night_cnt
from bookings
group by customer_id, branch_id, within_days
