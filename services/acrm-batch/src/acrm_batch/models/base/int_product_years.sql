/*---
description: Balances of cards and products summed over the days of the year, carried from month end to month end.
kind: base
partition: month_end
key: [product_kind, product_id]
window: {stg_card_history: month_end, stg_holding_history: month_end}
before:
  product_kind: varchar
  product_id: bigint
  year_balance_days: decimal(38,2)
  month_end: date
---*/
-- One row per credit card and per product that was ever delivered: what the year is made of until the
-- month end, so that a night reads what was delivered since the last one and not the year.
with since as (
    select
        coalesce(year(max(month_end)) = year($bd), false) as is_same_year,
        -- The first day that is not in what is carried, or the first of the year.
        greatest(
            $first_day, cast(date_trunc('year', $bd) as date), coalesce(max(month_end) + 1, $first_day)
        ) as counted_from
    from int_product_years_before
),

delivered as (
    select
        'card' as product_kind, card_id as product_id, balance, issued_on as held_on,
        closed_on as ended_on, business_date,
        lead(business_date, 1, $bd + 1) over (partition by card_id order by business_date)
            as next_on
    from stg_card_history
    where card_type = 'credit'
    union all
    select
        'holding', holding_id, amount, bought_on, ended_on, business_date,
        lead(business_date, 1, $bd + 1) over (partition by holding_id order by business_date)
    from stg_holding_history
),

spans as (
    select
        product_kind,
        product_id,
        cast(coalesce(balance, 0) as decimal(38,2)) as balance,
        greatest(business_date, held_on) as from_on,
        least(next_on, coalesce(ended_on, next_on)) as until_on
    from delivered
),

figures as (
    select
        product_kind,
        product_id,
        sum(balance * cast(overlap_days(from_on, until_on, counted_from, $bd) as integer))
            as balance_days
    from spans
    cross join since
    group by product_kind, product_id
)

select
    figures.product_kind,
    figures.product_id,
    cast(figures.balance_days + case
        when since.is_same_year then coalesce(earlier.year_balance_days, 0) else 0
    end as decimal(38,2)) as year_balance_days,
    $bd as month_end
from figures
cross join since
left join int_product_years_before as earlier
    on earlier.product_kind = figures.product_kind and earlier.product_id = figures.product_id
