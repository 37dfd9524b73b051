/*---
description: Money in and out of a customer's accounts at a branch, over windows of days.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch with a booking within 90 days.
with spans as (
    select *, cast(bit_count(days_mask) as bigint) as active_days
    from int_flow_spans
),

sums as (
    select
        customer_id,
        branch_id,
        coalesce(sum(in_amt) filter (where within_days <= 7), 0) as flow_in_amt_7d,
        coalesce(sum(in_cnt) filter (where within_days <= 7), 0) as flow_in_cnt_7d,
        coalesce(max(in_max) filter (where within_days <= 7), 0) as flow_in_max_7d,
        coalesce(sum(out_amt) filter (where within_days <= 7), 0) as flow_out_amt_7d,
        coalesce(sum(out_cnt) filter (where within_days <= 7), 0) as flow_out_cnt_7d,
        coalesce(max(out_max) filter (where within_days <= 7), 0) as flow_out_max_7d,
        coalesce(sum(other_amt) filter (where within_days <= 7), 0) as flow_other_amt_7d,
        coalesce(sum(other_cnt) filter (where within_days <= 7), 0) as flow_other_cnt_7d,
        coalesce(sum(active_days) filter (where within_days <= 7), 0) as flow_active_days_7d,
        coalesce(sum(in_amt) filter (where within_days <= 30), 0) as flow_in_amt_30d,
        coalesce(sum(in_cnt) filter (where within_days <= 30), 0) as flow_in_cnt_30d,
        coalesce(max(in_max) filter (where within_days <= 30), 0) as flow_in_max_30d,
        coalesce(sum(out_amt) filter (where within_days <= 30), 0) as flow_out_amt_30d,
        coalesce(sum(out_cnt) filter (where within_days <= 30), 0) as flow_out_cnt_30d,
        coalesce(max(out_max) filter (where within_days <= 30), 0) as flow_out_max_30d,
        coalesce(sum(other_amt) filter (where within_days <= 30), 0) as flow_other_amt_30d,
        coalesce(sum(other_cnt) filter (where within_days <= 30), 0) as flow_other_cnt_30d,
        coalesce(sum(active_days) filter (where within_days <= 30), 0) as flow_active_days_30d,
        coalesce(sum(in_amt) filter (where within_days <= 90), 0) as flow_in_amt_90d,
        coalesce(sum(in_cnt) filter (where within_days <= 90), 0) as flow_in_cnt_90d,
        coalesce(max(in_max) filter (where within_days <= 90), 0) as flow_in_max_90d,
        coalesce(sum(out_amt) filter (where within_days <= 90), 0) as flow_out_amt_90d,
        coalesce(sum(out_cnt) filter (where within_days <= 90), 0) as flow_out_cnt_90d,
        coalesce(max(out_max) filter (where within_days <= 90), 0) as flow_out_max_90d,
        coalesce(sum(other_amt) filter (where within_days <= 90), 0) as flow_other_amt_90d,
        coalesce(sum(other_cnt) filter (where within_days <= 90), 0) as flow_other_cnt_90d,
        coalesce(sum(active_days) filter (where within_days <= 90), 0) as flow_active_days_90d,
        max(last_on) as flow_last_on
    from spans
    group by customer_id, branch_id
),

parties as (
    select
        customer_id,
        branch_id,
        count(*) filter (where last_on > $bd - 7) as flow_other_parties_7d,
        count(*) filter (where last_on > $bd - 30) as flow_other_parties_30d,
        count(*) filter (where last_on > $bd - 90) as flow_other_parties_90d
    from int_counterparties
    group by customer_id, branch_id
)

select
    sums.customer_id,
    sums.branch_id,
    cast(sums.flow_in_amt_7d as decimal(18,2)) as flow_in_amt_7d,
    cast(sums.flow_in_cnt_7d as bigint) as flow_in_cnt_7d,
    cast(sums.flow_in_max_7d as decimal(18,2)) as flow_in_max_7d,
    cast(sums.flow_out_amt_7d as decimal(18,2)) as flow_out_amt_7d,
    cast(sums.flow_out_cnt_7d as bigint) as flow_out_cnt_7d,
    cast(sums.flow_out_max_7d as decimal(18,2)) as flow_out_max_7d,
    cast(sums.flow_other_amt_7d as decimal(18,2)) as flow_other_amt_7d,
    cast(sums.flow_other_cnt_7d as bigint) as flow_other_cnt_7d,
    coalesce(parties.flow_other_parties_7d, 0) as flow_other_parties_7d,
    cast(sums.flow_active_days_7d as bigint) as flow_active_days_7d,
    cast(sums.flow_in_amt_30d as decimal(18,2)) as flow_in_amt_30d,
    cast(sums.flow_in_cnt_30d as bigint) as flow_in_cnt_30d,
    cast(sums.flow_in_max_30d as decimal(18,2)) as flow_in_max_30d,
    cast(sums.flow_out_amt_30d as decimal(18,2)) as flow_out_amt_30d,
    cast(sums.flow_out_cnt_30d as bigint) as flow_out_cnt_30d,
    cast(sums.flow_out_max_30d as decimal(18,2)) as flow_out_max_30d,
    cast(sums.flow_other_amt_30d as decimal(18,2)) as flow_other_amt_30d,
    cast(sums.flow_other_cnt_30d as bigint) as flow_other_cnt_30d,
    coalesce(parties.flow_other_parties_30d, 0) as flow_other_parties_30d,
    cast(sums.flow_active_days_30d as bigint) as flow_active_days_30d,
    cast(sums.flow_in_amt_90d as decimal(18,2)) as flow_in_amt_90d,
    cast(sums.flow_in_cnt_90d as bigint) as flow_in_cnt_90d,
    cast(sums.flow_in_max_90d as decimal(18,2)) as flow_in_max_90d,
    cast(sums.flow_out_amt_90d as decimal(18,2)) as flow_out_amt_90d,
    cast(sums.flow_out_cnt_90d as bigint) as flow_out_cnt_90d,
    cast(sums.flow_out_max_90d as decimal(18,2)) as flow_out_max_90d,
    cast(sums.flow_other_amt_90d as decimal(18,2)) as flow_other_amt_90d,
    cast(sums.flow_other_cnt_90d as bigint) as flow_other_cnt_90d,
    coalesce(parties.flow_other_parties_90d, 0) as flow_other_parties_90d,
    cast(sums.flow_active_days_90d as bigint) as flow_active_days_90d,
    sums.flow_last_on
from sums
left join parties on parties.customer_id = sums.customer_id and parties.branch_id = sums.branch_id
