/*---
description: Customers whom a manager above the portfolio limit should hand on, and to whom.
kind: base
partition: as_of
key: [customer_id]
audits:
  - {assert: "to_manager_id <> manager_id"}
---*/
-- One row per proposal: as many customers as the manager is above the limit, of those whom the
-- branch's head gave, the smallest first. The free places of the branch's other managers are taken
-- in the order in which the least loaded manager would be asked each time.
with surplus as (
    select customer.*
    from int_lead_customers as customer
    inner join int_portfolios as portfolio
        on portfolio.branch_id = customer.branch_id
        and portfolio.manager_id = customer.manager_id
    where customer.manager_from = 'head' and portfolio.over_by > 0
    qualify row_number() over (
        partition by customer.branch_id, customer.manager_id
        order by
            customer.deposit_balance + customer.loan_balance,
            customer.assigned_on desc nulls last,
            customer.customer_id
    ) <= portfolio.over_by
),

queued as (
    select
        surplus.*,
        row_number() over (
            partition by branch_id order by deposit_balance + loan_balance desc, customer_id
        ) as place
    from surplus
),

free_places as (
    select
        portfolio.branch_id,
        portfolio.manager_id,
        row_number() over (
            partition by portfolio.branch_id
            order by portfolio.customers + queued.place, portfolio.manager_id
        ) as place
    from int_portfolios as portfolio
    inner join queued on queued.branch_id = portfolio.branch_id
    where
        portfolio.is_in_office
        and portfolio.customers + queued.place <= portfolio.customer_limit
)

select
    queued.customer_id,
    queued.branch_id,
    queued.manager_id,
    coalesce(free_places.manager_id, 'V:' || queued.branch_id) as to_manager_id,
    queued.deposit_balance,
    queued.loan_balance,
    queued.assigned_on
from queued
left join free_places
    on free_places.branch_id = queued.branch_id and free_places.place = queued.place
