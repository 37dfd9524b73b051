/*---
description: Customers beyond the limit of their manager's portfolio, or proposed to another one.
kind: indicator
partition: as_of
key: [customer_id]
---*/
-- One row per active customer. Whom a portfolio has too many is not said of anybody in particular,
-- so as many of its customers count as there are too many.
with placed as (
    select
        customer.customer_id,
        portfolio.over_by,
        row_number() over (
            partition by customer.branch_id, customer.manager_id order by customer.customer_id
        ) as place
    from int_lead_customers as customer
    inner join int_portfolios as portfolio
        on portfolio.branch_id = customer.branch_id
        and portfolio.manager_id = customer.manager_id
)

select
    placed.customer_id,
    case when placed.place <= placed.over_by then 1 else 0 end as portfolio_over,
    case when hand_on.customer_id is not null then 1 else 0 end as portfolio_hand_on,
    case when take_back.customer_id is not null then 1 else 0 end as portfolio_take_back
from placed
left join int_portfolio_proposals as hand_on on hand_on.customer_id = placed.customer_id
left join int_reclaim_proposals as take_back on take_back.customer_id = placed.customer_id
