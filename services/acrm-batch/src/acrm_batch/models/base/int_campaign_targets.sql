/*---
description: What became of everybody on the list of a campaign.
kind: base
partition: as_of
key: [campaign_id, customer_id]
audits:
  - {assert: "not is_control or contacts = 0"}
---*/
-- One row per campaign and customer on its list. A converted customer opened the campaign's product
-- in its time, contacted or not, so that those held back can be compared with the others.
with touched as (
    select
        campaign_id,
        customer_id,
        count(*) as contacts,
        sum(cost) as cost,
        min(contacted_on) as first_contacted_on,
        max(case when contact_number = 1 then channel end) as first_channel,
        max(case when is_reached then 1 else 0 end) as reached,
        max(case when is_interested then 1 else 0 end) as interested
    from int_campaign_contacts
    group by campaign_id, customer_id
),

opened as (
    select customer_id, 'deposit' as product, opened_on, balance as amount
    from int_account_balances
    where product in ('time', 'certificate')
    union all
    select customer_id, 'loan', granted_on, amount from stg_loans
    union all
    select customer_id, 'card', issued_on, coalesce(credit_limit, 0) from stg_credit_cards
    where card_type = 'credit'
    union all
    select customer_id, 'wealth', bought_on, amount from stg_wealth_holdings
    union all
    select customer_id, 'mobile', signed_on, 0 from stg_digital_channels where channel = 'mobile'
),

bought as (
    select
        listed.campaign_id,
        listed.customer_id,
        sum(opened.amount) as amount,
        max(case
            when opened.opened_on >= touched.first_contacted_on
                and opened.opened_on <= touched.first_contacted_on + listed.response_days then 1
            else 0
        end) as followed
    from int_campaign_lists as listed
    inner join opened
        on opened.customer_id = listed.customer_id
        and opened.product = listed.product
        and opened.opened_on >= listed.starts_on
        and opened.opened_on <= listed.opened_until
    left join touched
        on touched.campaign_id = listed.campaign_id
        and touched.customer_id = listed.customer_id
    group by listed.campaign_id, listed.customer_id
)

select
    listed.campaign_id,
    listed.customer_id,
    listed.branch_id,
    listed.manager_id,
    listed.is_control,
    touched.first_channel,
    coalesce(touched.contacts, 0) as contacts,
    coalesce(touched.reached, 0) = 1 as is_reached,
    coalesce(touched.interested, 0) = 1 as is_interested,
    touched.contacts is not null
    and (touched.interested = 1 or coalesce(bought.followed, 0) = 1) as has_responded,
    bought.customer_id is not null as is_converted,
    cast(coalesce(bought.amount, 0) as decimal(18,2)) as amount,
    count(*) over (partition by listed.customer_id) > 1 as is_overlapping
from int_campaign_lists as listed
left join touched
    on touched.campaign_id = listed.campaign_id and touched.customer_id = listed.customer_id
left join bought
    on bought.campaign_id = listed.campaign_id and bought.customer_id = listed.customer_id
