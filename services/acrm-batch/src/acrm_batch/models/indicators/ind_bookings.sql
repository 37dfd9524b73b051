/*---
description: By which channel and when a customer moves money at a branch, over windows of days.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
---*/
-- One row per customer and branch with a booking within 90 days.
select
    customer_id,
    branch_id,
    cast(coalesce(sum(counter_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_counter_cnt_30d,
    cast(coalesce(sum(atm_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_atm_cnt_30d,
    cast(coalesce(sum(pos_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_pos_cnt_30d,
    cast(coalesce(sum(mobile_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_mobile_cnt_30d,
    cast(coalesce(sum(web_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_web_cnt_30d,
    cast(coalesce(sum(third_party_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_third_party_cnt_30d,
    cast(coalesce(sum(atm_cnt + pos_cnt + mobile_cnt + web_cnt + third_party_cnt)
        filter (where within_days <= 30), 0) as bigint) as flow_self_cnt_30d,
    cast(coalesce(sum(off_hours_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_off_hours_cnt_30d,
    cast(coalesce(sum(morning_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_morning_cnt_30d,
    cast(coalesce(sum(afternoon_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_afternoon_cnt_30d,
    cast(coalesce(sum(evening_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_evening_cnt_30d,
    cast(coalesce(sum(night_cnt) filter (where within_days <= 30), 0) as bigint)
        as flow_night_cnt_30d,
    cast(coalesce(sum(counter_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_counter_cnt_90d,
    cast(coalesce(sum(atm_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_atm_cnt_90d,
    cast(coalesce(sum(pos_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_pos_cnt_90d,
    cast(coalesce(sum(mobile_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_mobile_cnt_90d,
    cast(coalesce(sum(web_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_web_cnt_90d,
    cast(coalesce(sum(third_party_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_third_party_cnt_90d,
    cast(coalesce(sum(atm_cnt + pos_cnt + mobile_cnt + web_cnt + third_party_cnt)
        filter (where within_days <= 90), 0) as bigint) as flow_self_cnt_90d,
    cast(coalesce(sum(off_hours_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_off_hours_cnt_90d,
    cast(coalesce(sum(morning_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_morning_cnt_90d,
    cast(coalesce(sum(afternoon_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_afternoon_cnt_90d,
    cast(coalesce(sum(evening_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_evening_cnt_90d,
    cast(coalesce(sum(night_cnt) filter (where within_days <= 90), 0) as bigint)
        as flow_night_cnt_90d
from int_flow_spans
group by customer_id, branch_id
