/*---
description: Tier, stage of life, and what a customer does himself.
kind: indicator
partition: as_of
key: [customer_id]
audits:
  - equal_sums: {with: int_customers, by: [customer_id], columns: [1]}
---*/
-- One row per active customer. Scores are 0 without a customer-initiated booking within `rfm.days`.
select
    tiers.customer_id,
    1 as customers,
    tiers.tier,
    tiers.aum,
    tiers.contrib,
    life.lifecycle,
    life.first_on,
    rfm.rfm,
    coalesce(rfm.rfm_r, 0) as rfm_r,
    coalesce(rfm.rfm_f, 0) as rfm_f,
    coalesce(rfm.rfm_m, 0) as rfm_m,
    rfm.rfm_last_on,
    coalesce(rfm.rfm_cnt, 0) as rfm_cnt,
    coalesce(rfm.rfm_amt, 0) as rfm_amt
from int_customer_tiers as tiers
inner join int_lifecycle as life on life.customer_id = tiers.customer_id
left join int_rfm as rfm on rfm.customer_id = tiers.customer_id
