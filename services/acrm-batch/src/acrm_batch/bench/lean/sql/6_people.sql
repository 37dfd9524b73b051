-- What is known of a customer and not of a branch.
create temp table digital as
select
    customer_id,
    {channels},
    count(*) as ch_signed_cnt,
    count(*) filter (where signed_on >= $month_start) as ch_signed_m,
    max(last_used_on) as ch_last_on
from @digital_channels
where signed_on <= $bd and not coalesce(ended_on <= $bd, false)
group by customer_id;

create temp table relations as
with said as (
    select customer_id, related_customer_id, relation
    from @customer_relations
    where effective_from <= $bd and not coalesce(effective_until <= $bd, false)
)

select customer_id, {relations}
from (
    select customer_id, related_customer_id, relation from said
    union
    select related_customer_id, customer_id, case relation
        when 'guarantor' then 'guaranteed' when 'group_member' then 'group'
        when 'subsidiary' then 'parent' when 'legal_representative' then 'represented'
        else relation end
    from said
)
group by customer_id;

create temp table contacted as
select
    customer_id,
    {contacts},
    max(contacted_on) as contact_last_on,
    max(contacted_on) filter (where is_marketing) as mkt_last_on,
    max(contacted_on) filter (where channel = 'visit') as visit_last_on,
    max(contacted_on) filter (
        where channel in ('visit', 'call') and coalesce(is_reached, true)
    ) as maintained_last_on,
    max(contacted_on) filter (where is_marketing and result = 'opted_out') as opted_out_on,
    count(*) filter (where channel = 'visit' and coalesce(is_reached, true)) as seen,
    count(*) filter (where channel = 'call' and coalesce(is_reached, true)) as called,
    arg_max(struct_pack(channel, result), struct_pack(contacted_at, contact_id)) as latest
from (
    select
        *,
        cast(contacted_at + interval 8 hour as date) as contacted_on,
        contact_class = 'marketing' as is_marketing,
        result <> 'not_reached' as is_reached
    from @contacts:contacts
)
where contacted_on between $bd - 364 and $bd
group by customer_id;

create temp table listed as
select
    customer_id,
    count(*) filter (where listed_on > $bd - 30) as campaigns_30d,
    count(*) filter (where listed_on > $bd - 90) as campaigns_90d,
    count(*) filter (where listed_on > $bd - 365) as campaigns_365d
from @campaign_targets:contacts
where listed_on <= $bd and not is_control
group by customer_id;
