/*---
description: What was booked on an account on a day, by what it tells of the customer.
kind: base
partition: as_of
key: [account_id, booked_on]
window:
  stg_transactions:
    - potential.flow_days
    - potential.turnover_days
    - potential.counter_days
    - potential.no_txn_days
    - rfm.days
    - lifecycle.dormant_days
---*/
-- One row per account and day with a booking. Reversals and what they reversed are left out. The
-- types that a customer initiates are those of docs/rules.md.
with reversed as (
    select reverses_txn_id as txn_id
    from stg_transactions
    where reverses_txn_id is not null
),

bookings as (
    select
        booking.account_id,
        booking.booked_on,
        booking.amount,
        booking.txn_type,
        booking.channel,
        booking.direction = 'credit' as is_credit,
        booking.counterparty_bank is not null as is_other_bank,
        booking.channel <> 'system' and booking.txn_type in (
            'cash_in', 'cash_out', 'card_withdrawal', 'transfer_out', 'purchase',
            'household_payment', 'insurance', 'deposit_open', 'deposit_close', 'wealth_buy',
            'wealth_redeem', 'loan_repayment', 'card_repayment'
        ) as is_initiated
    from stg_transactions as booking
    left join reversed on reversed.txn_id = booking.txn_id
    where
        booking.booked_on <= $bd
        and booking.reverses_txn_id is null
        and reversed.txn_id is null
),

sums as (
    select
        account_id,
        booked_on,
        sum(case when is_credit and txn_type = 'payroll' then amount end) as payroll_amt,
        sum(case when not is_credit and is_other_bank then amount end) as other_out_amt,
        sum(case when is_credit and is_other_bank then amount end) as other_in_amt,
        max(case when is_credit and txn_type in ('land_compensation', 'property_sale') then amount
        end) as proceeds_max,
        sum(case when is_credit and txn_type = 'acquiring' then amount end) as acquiring_amt,
        sum(case when not is_credit and txn_type = 'purchase' then amount end) as purchase_amt,
        sum(case when channel = 'counter' then 1 else 0 end) as counter_cnt,
        sum(case when is_initiated then 1 else 0 end) as initiated_cnt,
        sum(case when is_initiated then amount end) as initiated_amt
    from bookings
    group by account_id, booked_on
)

select
    sums.account_id,
    sums.booked_on,
    account.customer_id,
    cast(coalesce(sums.payroll_amt, 0) as decimal(18,2)) as payroll_amt,
    cast(coalesce(sums.other_out_amt, 0) as decimal(18,2)) as other_out_amt,
    cast(coalesce(sums.other_in_amt, 0) as decimal(18,2)) as other_in_amt,
    cast(coalesce(sums.proceeds_max, 0) as decimal(18,2)) as proceeds_max,
    cast(coalesce(sums.acquiring_amt, 0) as decimal(18,2)) as acquiring_amt,
    cast(coalesce(sums.purchase_amt, 0) as decimal(18,2)) as purchase_amt,
    cast(sums.counter_cnt as bigint) as counter_cnt,
    cast(sums.initiated_cnt as bigint) as initiated_cnt,
    cast(coalesce(sums.initiated_amt, 0) as decimal(18,2)) as initiated_amt
from sums
inner join stg_deposit_accounts as account on account.account_id = sums.account_id
