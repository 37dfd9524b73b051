/*---
description: Customers beyond the limit of their manager's portfolio, or proposed to another one.
kind: indicator
partition: as_of
key: [customer_id]
---*/
-- One row per such customer. Whom a portfolio has too many is not said of anybody in particular, so
-- as many of its customers count as there are too many.
with beyond as (
    select customer.customer_id
    from int_lead_customers as customer
    inner join int_portfolios as portfolio
        on portfolio.branch_id = customer.branch_id
        and portfolio.manager_id = customer.manager_id
    where portfolio.over_by > 0
    qualify row_number() over (
        partition by customer.branch_id, customer.manager_id order by customer.customer_id
    ) <= portfolio.over_by
),

marked as (
    select customer_id, 'beyond' as mark from beyond
    union all
    select customer_id, 'hand_on' as mark from int_portfolio_proposals
    union all
    select customer_id, 'take_back' as mark from int_reclaim_proposals
)

select
    customer_id,
    max(case mark when 'beyond' then 1 else 0 end) as portfolio_over,
    max(case mark when 'hand_on' then 1 else 0 end) as portfolio_hand_on,
    max(case mark when 'take_back' then 1 else 0 end) as portfolio_take_back
from marked
group by customer_id
