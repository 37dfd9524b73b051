/*---
description: Which tier a customer's AUM and contribution reach, and below which ones they are.
kind: base
partition: as_of
key: [customer_id]
audits:
  - equal_sums: {with: int_customers, by: [customer_id], columns: [1]}
---*/
-- One row per active customer. Ranks: gold 3, profit 2, general 1.
with entities as (
    select distinct legal_entity_id from int_customers
),

limits as (
    select
        legal_entity_id,
        param('tier.gold_aum', legal_entity_id) as gold_aum,
        param('tier.gold_contribution', legal_entity_id) as gold_contrib,
        param('tier.profit_aum', legal_entity_id) as profit_aum,
        param('tier.profit_contribution', legal_entity_id) as profit_contrib,
        param('tier.keep_pct', legal_entity_id) as keep_pct,
        param('tier.down_month_ends', legal_entity_id) as down_month_ends,
        param('tier.grow_aum', legal_entity_id) as grow_aum,
        param('tier.exit_aum', legal_entity_id) as exit_aum
    from entities
),

held as (
    select customer_id, cast(sum(aum_bal) as decimal(18,2)) as aum
    from ind_balances
    group by customer_id
),

earned as (
    select customer_id, cast(sum(contrib) as decimal(18,2)) as contrib
    from ind_contribution
    group by customer_id
),

valued as (
    select
        customer.customer_id,
        coalesce(held.aum, 0) as aum,
        coalesce(earned.contrib, 0) as contrib,
        limits.*
    from int_customers as customer
    inner join limits on limits.legal_entity_id = customer.legal_entity_id
    left join held on held.customer_id = customer.customer_id
    left join earned on earned.customer_id = customer.customer_id
)

select
    customer_id,
    aum,
    contrib,
    case
        when aum >= gold_aum or contrib >= gold_contrib then 3
        when aum >= profit_aum or contrib >= profit_contrib then 2
        else 1
    end as natural_rank,
    100 * aum < keep_pct * gold_aum and 100 * contrib < keep_pct * gold_contrib as is_below_gold,
    100 * aum < keep_pct * profit_aum and 100 * contrib < keep_pct * profit_contrib
        as is_below_profit,
    cast(down_month_ends as integer) as down_month_ends,
    case
        when aum >= grow_aum then 'general_grow'
        when aum < exit_aum and contrib <= 0 then 'general_exit'
        else 'general_standardise'
    end as general_tier
from valued
