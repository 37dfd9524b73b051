/*---
description: Recency, frequency and money of a customer's own bookings, each as a quintile.
kind: base
partition: as_of
key: [customer_id]
audits:
  - {not_null: [rfm_r, rfm_f, rfm_m]}
  - {range: {rfm_r: [1, 5], rfm_f: [1, 5], rfm_m: [1, 5]}}
---*/
-- One row per active customer with a customer-initiated booking within `rfm.days`. With n customers,
-- of whom k have the same value or a smaller one, the quintile is 5 k / n, rounded up.
with active as (
    select
        initiated.customer_id,
        initiated.initiated_last_on as last_on,
        initiated.rfm_cnt,
        initiated.rfm_amt
    from int_initiated as initiated
    inner join int_customers as customer on customer.customer_id = initiated.customer_id
    where initiated.rfm_cnt > 0
),

counted as (
    select
        active.*,
        count(*) over () as n,
        5 * count(*) over (order by last_on range unbounded preceding) as last_k,
        5 * count(*) over (order by rfm_cnt range unbounded preceding) as cnt_k,
        5 * count(*) over (order by rfm_amt range unbounded preceding) as amt_k
    from active
),

scored as (
    select
        counted.*,
        case when last_k <= n then 1 when last_k <= 2 * n then 2 when last_k <= 3 * n then 3
            when last_k <= 4 * n then 4 else 5 end as rfm_r,
        case when cnt_k <= n then 1 when cnt_k <= 2 * n then 2 when cnt_k <= 3 * n then 3
            when cnt_k <= 4 * n then 4 else 5 end as rfm_f,
        case when amt_k <= n then 1 when amt_k <= 2 * n then 2 when amt_k <= 3 * n then 3
            when amt_k <= 4 * n then 4 else 5 end as rfm_m
    from counted
)

select
    customer_id,
    last_on as rfm_last_on,
    rfm_cnt,
    rfm_amt,
    rfm_r,
    rfm_f,
    rfm_m,
    concat('R', rfm_r, 'F', rfm_f, 'M', rfm_m) as rfm
from scored
