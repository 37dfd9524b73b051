/*---
description: Interest, fees and acquiring turnover of the month and the year so far.
kind: base
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch of the account with a booking within 90 days or this year. The
-- year until the last month end is carried by int_booking_years.
with since as (
    select
        coalesce(year(max(month_end)) = year($bd), false) as is_same_year,
        greatest(
            cast(date_trunc('year', $bd) as date), coalesce(max(month_end) + 1, $first_day)
        ) as counted_from
    from int_booking_years
),

amounts as (
    select
        flow.customer_id,
        flow.branch_id,
        flow.booked_on >= date_trunc('month', $bd) as is_of_month,
        flow.booked_on >= since.counted_from as is_counted,
        case when flow.booked_on > $first_day then flow.interest_amt else 0 end as interest_amt,
        flow.fee_amt,
        flow.acquiring_amt
    from int_flow_days as flow
    cross join since

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
