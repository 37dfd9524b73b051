/*---
description: Tiers as decided at month ends, each from the one before.
kind: base
partition: month_end
key: [customer_id]
before:
  customer_id: bigint
  tier: varchar
  tier_rank: integer
  previous_rank: integer
  streak: integer
audits:
  - equal_sums: {with: int_customers, by: [customer_id], columns: [1]}
---*/
-- One row per active customer of the month end. `tier` is the code of the service standard,
-- `previous_rank` that of the month end before (empty without a tier then), `streak` the month ends
-- in a row at which he was below the tier that he keeps.
with entered as (
    select
        natural_tier.*,
        earlier.tier_rank as previous_rank,
        coalesce(earlier.streak, 0) as streak,
        case earlier.tier_rank
            when 3 then natural_tier.is_below_gold
            when 2 then natural_tier.is_below_profit
            else false
        end as is_below
    from int_natural_tiers as natural_tier
    left join int_tiers_before as earlier on earlier.customer_id = natural_tier.customer_id
),

decided as (
    select
        entered.*,
        case
            when previous_rank is null or natural_rank > previous_rank then 'natural'
            when is_below and streak + 1 >= down_month_ends then 'natural'
            when is_below then 'below'
            else 'kept'
        end as decision
    from entered
),

ranked as (
    select
        decided.*,
        case decision when 'natural' then natural_rank else previous_rank end as tier_rank
    from decided
)

select
    customer_id,
    case tier_rank when 3 then 'gold' when 2 then 'profit' else general_tier end as tier,
    cast(tier_rank as integer) as tier_rank,
    previous_rank,
    cast(case decision when 'below' then streak + 1 else 0 end as integer) as streak
from ranked
