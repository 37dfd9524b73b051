/*---
description: What a customer is, holds and has signed, as far as it tells of what could be offered.
kind: potential
partition: as_of
key: [customer_id]
at: {int_key_customers: [month]}
---*/
-- One row per active customer. Rules: docs/rules/potential.md, T02 to T06.
with payroll as (
    select distinct customer_id
    from stg_payroll_members
    where effective_from <= $bd and not coalesce(effective_until <= $bd, false)
),

merchants as (
    select distinct customer_id
    from stg_merchants
    where signed_on <= $bd and not coalesce(ended_on <= $bd, false)
),

holdings as (
    select
        holding.customer_id,
        sum(case when not coalesce(holding.ended_on <= $bd, false) then 1 else 0 end) as held,
        max(case when holding.ended_on <= $bd then holding.amount end) as pot_ended_amt,
        sum(case
            when
                not coalesce(holding.ended_on <= $bd, false)
                and holding.matures_on > $bd
                and holding.matures_on
                <= $bd + cast(param('potential.wealth_days', customer.legal_entity_id) as integer)
                then holding.amount
        end) as pot_wealth_maturing_amt
    from stg_wealth_holdings as holding
    inner join int_customers as customer on customer.customer_id = holding.customer_id
    where holding.bought_on <= $bd
    group by holding.customer_id
),

channels as (
    select
        channel.customer_id,
        max(case
            when
                channel.channel = 'mobile'
                and channel.signed_on <= $bd
                and not coalesce(channel.ended_on <= $bd, false)
                then 1
            else 0
        end) as has_mobile,
        max(case
            when
                channel.channel = 'mobile'
                and not coalesce(channel.ended_on <= $bd, false)
                and channel.signed_on
                <= $bd - cast(param('potential.silent_days', customer.legal_entity_id) as integer)
                and (
                    channel.last_used_on is null
                    or channel.last_used_on
                    <= $bd - cast(param('potential.silent_days', customer.legal_entity_id) as integer)
                )
                then 1
            else 0
        end) as is_silent
    from stg_digital_channels as channel
    inner join int_customers as customer on customer.customer_id = channel.customer_id
    group by channel.customer_id
),

-- Every digital channel counts by itself, any other service when the last one of its kind ended: who
-- has another account, card, merchant or employer has replaced it.
services as (
    select customer_id, 'account' as service, closed_on as ended_on
    from stg_deposit_accounts
    where product = 'demand' and opened_on <= $bd
    union all
    select customer_id, 'card', closed_on
    from stg_credit_cards
    where card_type = 'credit' and issued_on <= $bd
    union all
    select customer_id, 'merchant', ended_on
    from stg_merchants
    where signed_on <= $bd
    union all
    select customer_id, 'salary', effective_until
    from stg_payroll_members
    where effective_from <= $bd
    union all
    select customer_id, channel, ended_on
    from stg_digital_channels
    where ended_on <= $bd
),

ended as (
    select customer_id, max(ended_on) as ended_on
    from (
        select customer_id, max(coalesce(ended_on, cast('9999-12-31' as date))) as ended_on
        from services
        group by customer_id, service
    ) as of_a_kind
    where ended_on <= $bd
    group by customer_id
),

households as (
    select customer_id, related_customer_id
    from stg_customer_relations
    where
        relation = 'household_member'
        and effective_from <= $bd
        and not coalesce(effective_until <= $bd, false)
),

members as (
    select customer_id, related_customer_id as member_id from households
    union
    select related_customer_id, customer_id from households
),

families as (
    select distinct members.customer_id
    from members
    inner join stg_digital_channels as channel
        on channel.customer_id = members.member_id
        and channel.channel = 'mobile'
        and channel.signed_on <= $bd
        and not coalesce(channel.ended_on <= $bd, false)
)

select
    customer.customer_id,
    person.customer_type as pot_customer_type,
    person.sex as pot_sex,
    year($bd) - year(person.birth_date) - case
        when strftime(person.birth_date, '%m%d') > strftime($bd, '%m%d') then 1 else 0
    end as pot_age,
    cast(month(person.birth_date) as integer) as pot_birth_month,
    person.education as pot_education,
    person.marital_status as pot_marital_status,
    person.company_size as pot_company_size,
    person.customer_since as pot_customer_since,
    person.document_expires_on as pot_document_expires_on,
    person.occupation as pot_occupation,
    person.industry as pot_industry,
    person.risk_profile is not null and person.risk_profile_expires_on > $bd
        as pot_has_risk_profile,
    payroll.customer_id is not null as pot_is_payroll,
    merchants.customer_id is not null as pot_is_merchant,
    coalesce(holdings.held, 0) > 0 as pot_has_holding,
    cast(holdings.pot_ended_amt as decimal(18,2)) as pot_ended_amt,
    cast(holdings.pot_wealth_maturing_amt as decimal(18,2)) as pot_wealth_maturing_amt,
    coalesce(channels.has_mobile, 0) = 1 as pot_has_mobile,
    coalesce(channels.is_silent, 0) = 1 as pot_is_silent,
    coalesce(
        ended.ended_on
        > $bd - cast(param('potential.channel_ended_days', customer.legal_entity_id) as integer),
        false
    ) as pot_has_ended_service,
    families.customer_id is not null as pot_family_has_mobile,
    was_key.customer_id is not null
    and cast(date_trunc('month', $bd) as date) - 1 >= $first_day as pot_was_key
from int_customers as customer
inner join stg_customers as person on person.customer_id = customer.customer_id
left join payroll on payroll.customer_id = customer.customer_id
left join merchants on merchants.customer_id = customer.customer_id
left join holdings on holdings.customer_id = customer.customer_id
left join channels on channels.customer_id = customer.customer_id
left join ended on ended.customer_id = customer.customer_id
left join families on families.customer_id = customer.customer_id
left join int_key_customers_month as was_key on was_key.customer_id = customer.customer_id
