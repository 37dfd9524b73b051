/*---
description: Assets, investments and card debt of a customer at a branch, summed over days.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch that has or had a deposit account, a credit card or a product.
-- Averages are kept as sums of balance times days and divided once, at the grain that asks.
with parts as (
    select
        customer_id,
        branch_id,
        month_balance_days as aum_month_days,
        year_balance_days as aum_year_days,
        0 as invested_month_days,
        0 as invested_year_days,
        0 as card_month_days,
        0 as card_year_days
    from ind_deposits
    union all
    select
        customer_id,
        branch_id,
        case when product_kind = 'holding' then month_balance_days else 0 end,
        case when product_kind = 'holding' then year_balance_days else 0 end,
        case when product_kind = 'holding' then month_balance_days else 0 end,
        case when product_kind = 'holding' then year_balance_days else 0 end,
        case when product_kind = 'card' then month_balance_days else 0 end,
        case when product_kind = 'card' then year_balance_days else 0 end
    from int_product_balances
)

select
    customer_id,
    branch_id,
    sum(aum_month_days) as aum_month_days,
    sum(aum_year_days) as aum_year_days,
    sum(invested_month_days) as invested_month_days,
    sum(invested_year_days) as invested_year_days,
    sum(card_month_days) as card_month_days,
    sum(card_year_days) as card_year_days
from parts
group by customer_id, branch_id
