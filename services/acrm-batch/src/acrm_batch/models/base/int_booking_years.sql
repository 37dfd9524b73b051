/*---
description: Interest, fees and acquiring turnover of the year, carried from month end to month end.
kind: base
partition: month_end
key: [customer_id, branch_id]
window: {stg_transactions: month_end}
before:
  customer_id: bigint
  branch_id: varchar
  interest_amt: decimal(18,2)
  fee_amt: decimal(18,2)
  acquiring_amt: decimal(18,2)
  month_end: date
---*/
-- One row per customer and branch of the account with such a booking in the year until the month
-- end, so that a night reads the ledger since the last one and not that of the year. Of interest and
-- turnover, reversals, and what they reversed between two month ends, are left out; a fee given back
-- is less of a fee, whenever that is. Interest counts from the day after the
-- first one delivered, whose balances have it already.
with since as (
    select
        coalesce(year(max(month_end)) = year($bd), false) as is_same_year,
        greatest(
            $first_day, cast(date_trunc('year', $bd) as date), coalesce(max(month_end) + 1, $first_day)
        ) as counted_from
    from int_booking_years_before
),

reversed as (
    select reverses_txn_id as txn_id
    from stg_transactions
    where reverses_txn_id is not null and txn_type <> 'fee'
),

amounts as (
    select
        account.customer_id,
        account.branch_id,
        case when booking.txn_type = 'interest' and booking.booked_on > $first_day
            then booking.amount else 0 end as interest_amt,
        case when booking.txn_type <> 'fee' then 0
            when booking.direction = 'debit' then booking.amount
            else -booking.amount
        end as fee_amt,
        case when booking.txn_type = 'acquiring' then booking.amount else 0 end as acquiring_amt
    from stg_transactions as booking
    cross join since
    inner join stg_deposit_accounts as account on account.account_id = booking.account_id
    where
        booking.booked_on >= since.counted_from
        and booking.booked_on <= $bd
        and (
            booking.txn_type = 'fee'
            or booking.direction = 'credit'
            and booking.txn_type in ('interest', 'acquiring')
            and booking.reverses_txn_id is null
        )
        and booking.txn_id not in (select txn_id from reversed)

    union all

    select
        earlier.customer_id,
        earlier.branch_id,
        earlier.interest_amt,
        earlier.fee_amt,
        earlier.acquiring_amt
    from int_booking_years_before as earlier
    cross join since
    where since.is_same_year
)

select
    customer_id,
    branch_id,
    cast(sum(interest_amt) as decimal(18,2)) as interest_amt,
    cast(sum(fee_amt) as decimal(18,2)) as fee_amt,
    cast(sum(acquiring_amt) as decimal(18,2)) as acquiring_amt,
    $bd as month_end
from amounts
group by customer_id, branch_id
