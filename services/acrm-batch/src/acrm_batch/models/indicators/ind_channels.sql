/*---
description: Digital channels a customer signed, and whether they were used within 30 days.
kind: indicator
partition: as_of
key: [customer_id]
---*/
-- One row per customer with a digital channel signed and not ended.
select
    customer_id,
    count(*) filter (where channel = 'mobile') as mobile_signed,
    count(*) filter (where channel = 'mobile' and last_used_on > $bd - 30) as mobile_active,
    max(case when channel = 'mobile' then last_used_on end) as mobile_last_on,
    count(*) filter (where channel = 'web') as web_signed,
    count(*) filter (where channel = 'web' and last_used_on > $bd - 30) as web_active,
    max(case when channel = 'web' then last_used_on end) as web_last_on,
    count(*) filter (where channel = 'sms') as sms_signed,
    count(*) filter (where channel = 'sms' and last_used_on > $bd - 30) as sms_active,
    max(case when channel = 'sms' then last_used_on end) as sms_last_on,
    count(*) filter (where channel = 'wechat') as wechat_signed,
    count(*) filter (where channel = 'wechat' and last_used_on > $bd - 30) as wechat_active,
    max(case when channel = 'wechat' then last_used_on end) as wechat_last_on,
    count(*) filter (where channel = 'etc') as etc_signed,
    count(*) filter (where channel = 'etc' and last_used_on > $bd - 30) as etc_active,
    max(case when channel = 'etc' then last_used_on end) as etc_last_on,
    count(*) as channels_signed,
    max(case when last_used_on > $bd - 30 then 1 else 0 end) as is_digital_active,
    max(last_used_on) as digital_last_on,
    count(*) filter (where signed_on >= date_trunc('month', $bd)) as channels_signed_m,
    1 as is_digital
from stg_digital_channels
where signed_on <= $bd and not coalesce(ended_on <= $bd, false)
group by customer_id
