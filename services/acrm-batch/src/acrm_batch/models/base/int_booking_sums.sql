/*---
description: Interest, fees and acquiring turnover of the month and the year so far.
kind: base
partition: as_of
key: [customer_id, branch_id]
window: {stg_transactions: [month, month_end]}
---*/
-- One row per customer and branch of the account with such a booking this month or this year. The
-- year until the last month end is carried by int_booking_years. Of interest and turnover,
-- reversals and what they reversed are left out; a fee given back is less of a fee, whenever that is.
with since as (
    select
        coalesce(year(max(month_end)) = year($bd), false) as is_same_year,
        greatest(
            cast(date_trunc('year', $bd) as date), coalesce(max(month_end) + 1, $first_day)
        ) as counted_from
    from int_booking_years
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
        booking.booked_on >= date_trunc('month', $bd) as is_of_month,
        booking.booked_on >= since.counted_from as is_counted,
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
        booking.booked_on <= $bd
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
        false,
        true,
        earlier.interest_amt,
        earlier.fee_amt,
        earlier.acquiring_amt
    from int_booking_years as earlier
    cross join since
    where since.is_same_year
)

select
    customer_id,
    branch_id,
    cast(sum(case when is_of_month then interest_amt else 0 end) as decimal(18,2)) as interest_m,
    cast(sum(case when is_counted then interest_amt else 0 end) as decimal(18,2)) as interest_y,
    cast(sum(case when is_of_month then fee_amt else 0 end) as decimal(18,2)) as fee_m,
    cast(sum(case when is_counted then fee_amt else 0 end) as decimal(18,2)) as fee_y,
    cast(sum(case when is_of_month then acquiring_amt else 0 end) as decimal(18,2)) as acquiring_m,
    cast(sum(case when is_counted then acquiring_amt else 0 end) as decimal(18,2)) as acquiring_y
from amounts
group by customer_id, branch_id
