/*---
description: Credit cards and products with sums of balance times days, of the month and of the year.
kind: base
partition: as_of
key: [product_kind, product_id]
window: {stg_card_history: month, stg_holding_history: month}
audits:
  - {not_null: [customer_id, branch_id]}
---*/
-- One row per credit card and per wealth, fund or insurance product, ended or not. A balance holds
-- from the day it was delivered until the next one, and counts while the card is open or the product
-- is held. The year until the last month end is carried by int_product_years.
with since as (
    select
        coalesce(year(max(month_end)) = year($bd), false) as is_same_year,
        -- The first day that is not in what is carried, or the first of the year.
        greatest(
            $first_day, cast(date_trunc('year', $bd) as date), coalesce(max(month_end) + 1, $first_day)
        ) as counted_from
    from int_product_years
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
        sum(balance * cast(overlap_days(
            from_on, until_on, greatest($first_day, cast(date_trunc('month', $bd) as date)), $bd
        ) as integer)) as month_balance_days,
        sum(balance * cast(overlap_days(from_on, until_on, counted_from, $bd) as integer))
            as counted_balance_days
    from spans
    cross join since
    group by product_kind, product_id
),

products as (
    select 'card' as product_kind, card_id as product_id, customer_id, branch_id
    from stg_credit_cards
    where card_type = 'credit' and issued_on <= $bd
    union all
    select 'holding', holding_id, customer_id, branch_id
    from stg_wealth_holdings
    where bought_on <= $bd
)

select
    product.product_kind,
    product.product_id,
    product.customer_id,
    product.branch_id,
    coalesce(figures.month_balance_days, 0) as month_balance_days,
    coalesce(figures.counted_balance_days, 0)
        + case when since.is_same_year then coalesce(years.year_balance_days, 0) else 0 end
        as year_balance_days
from products as product
cross join since
left join figures
    on figures.product_kind = product.product_kind and figures.product_id = product.product_id
left join int_product_years as years
    on years.product_kind = product.product_kind and years.product_id = product.product_id
