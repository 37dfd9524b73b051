-- What conditions of tags speak of beside the indicators.
create temp table potential as
with mobiles as (
    select
        channel.customer_id,
        bool_or(channel = 'mobile' and signed_on <= $bd
            and not coalesce(ended_on <= $bd, false)) as has_mobile,
        bool_or(channel = 'mobile' and not coalesce(ended_on <= $bd, false)
            and signed_on <= $bd - cast(limits.potential_silent_days as integer)
            and coalesce(last_used_on <= $bd - cast(limits.potential_silent_days as integer), true)
        ) as is_silent
    from @digital_channels as channel
    join people using (customer_id)
    join limits using (legal_entity_id)
    group by channel.customer_id
),

ended as (
    select distinct given_up.customer_id
    from (
        select customer_id, max(coalesce(ended_on, date '9999-12-31')) as ended_on
        from (
            select customer_id, 1 as service, closed_on as ended_on
            from @deposit_accounts
            where product = 'demand' and opened_on <= $bd
            union all select customer_id, 2, closed_on from cards
            union all select customer_id, 3, ended_on from merchants
            union all select customer_id, 4, effective_until
            from @payroll_members
            where effective_from <= $bd
        )
        group by customer_id, service
        union all select customer_id, ended_on from @digital_channels
    ) as given_up
    join people using (customer_id)
    join limits using (legal_entity_id)
    where ended_on <= $bd
        and ended_on > $bd - cast(limits.potential_channel_ended_days as integer)
),

households as (
    select customer_id, related_customer_id as member_id
    from @customer_relations
    where relation = 'household_member'
        and effective_from <= $bd and not coalesce(effective_until <= $bd, false)
),

families as (
    select distinct households.customer_id
    from (from households union select member_id, customer_id from households) as households
    join mobiles on mobiles.customer_id = households.member_id
    where mobiles.has_mobile
),

capped as (
    select contact.customer_id, count(*) as contacts
    from @contacts:contacts as contact
    join people using (customer_id)
    join limits using (legal_entity_id)
    where contact_class = 'marketing'
        and cast(contacted_at + interval 8 hour as date) <= $bd
        and cast(contacted_at + interval 8 hour as date)
            > $bd - cast(limits.contact_cap_days as integer)
    group by contact.customer_id
),

products as (
    select
        holdings.customer_id,
        bool_or(not coalesce(ended_on <= $bd, false)) as has_holding,
        max(amount) filter (where ended_on <= $bd) as ended_amt,
        sum(amount) filter (where not coalesce(ended_on <= $bd, false) and matures_on > $bd
            and matures_on <= $bd + cast(limits.potential_wealth_days as integer)) as maturing_amt
    from holdings
    join people using (customer_id)
    join limits using (legal_entity_id)
    group by holdings.customer_id
),

lending as (
    select
        loans.customer_id,
        bool_or(status = 'running') as has_running,
        max(credit_line) filter (where status = 'running' and balance = 0) as undrawn_line,
        max(amount) filter (where status = 'settled' and settled_on <= $bd
            and settled_on > $bd - cast(limits.potential_settled_days as integer)
            and last_overdue_on is null) as settled_amt,
        max(balance) filter (where status = 'running' and product = 'mortgage'
            and granted_on <= $bd - to_years(cast(limits.potential_mortgage_years as integer))
            and last_overdue_on is null and coalesce(interest_arrears, 0) = 0
            and coalesce(days_overdue, 0) = 0) as mortgage_balance,
        max(amount) filter (where granted_on > $bd - to_years(1)
            and granted_on <= cast($bd - to_years(1) as date)
            + cast(limits.potential_seasonal_days as integer)) as seasonal_amt
    from loans
    join people using (customer_id)
    join limits using (legal_entity_id)
    group by loans.customer_id
),

late as (
    select distinct statement.card_id
    from @card_statements as statement
    join cards using (card_id)
    join people using (customer_id)
    join limits using (legal_entity_id)
    where
        statement.amount > 0
        and statement.statement_on <= $bd
        and statement.statement_on
        > $bd - to_months(cast(limits.potential_punctual_months as integer))
        and (statement.paid_on > statement.due_on
            or statement.paid_on is null and statement.due_on < $bd)
),

plastic as (
    select
        cards.customer_id,
        count(*) as open_cards,
        bool_or(issued_on <= $bd - cast(limits.potential_activation_days as integer)
            and (activated_on is null or activated_on > $bd)) as has_sleeping,
        arg_max(struct_pack(balance, credit_limit), struct_pack(
            share := coalesce(cast(balance as double) / credit_limit, -1e300),
            credit_limit := credit_limit, card := -cards.card_id
        )) filter (where coalesce(overdue_periods, 0) = 0 and late.card_id is null
            and credit_limit > 0) as used
    from cards
    join people using (customer_id)
    join limits using (legal_entity_id)
    left join late on late.card_id = cards.card_id
    where not coalesce(closed_on <= $bd, false)
    group by cards.customer_id
)

select
    people.customer_id,
    people.customer_type as pot_customer_type,
    people.sex as pot_sex,
    date_sub('year', people.birth_date, $bd) as pot_age,
    month(people.birth_date) as pot_birth_month,
    people.education as pot_education,
    people.marital_status as pot_marital_status,
    people.company_size as pot_company_size,
    people.customer_since as pot_customer_since,
    people.document_expires_on as pot_document_expires_on,
    people.occupation as pot_occupation,
    people.industry as pot_industry,
    people.risk_profile is not null and people.risk_profile_expires_on > $bd
        as pot_has_risk_profile,
    people.customer_id in (select customer_id from members) as pot_is_payroll,
    people.customer_id in (
        select customer_id from merchants where not coalesce(ended_on <= $bd, false)
    ) as pot_is_merchant,
    coalesce(products.has_holding, false) as pot_has_holding,
    products.ended_amt as pot_ended_amt,
    products.maturing_amt as pot_wealth_maturing_amt,
    coalesce(mobiles.has_mobile, false) as pot_has_mobile,
    coalesce(mobiles.is_silent, false) as pot_is_silent,
    people.customer_id in (from ended) as pot_has_ended_service,
    families.customer_id is not null as pot_family_has_mobile,
    was_key.customer_id is not null and $month_start - 1 >= $first_day as pot_was_key,
    idle.pot_idle_balance,
    ahead.pot_maturing_amt,
    ahead.pot_has_old_account,
    ahead.pot_deposits_m2,
    {months},
    lending.has_running as pot_has_running_loan,
    lending.undrawn_line as pot_undrawn_line,
    lending.settled_amt as pot_settled_amt,
    lending.mortgage_balance as pot_mortgage_balance,
    lending.seasonal_amt as pot_seasonal_amt,
    plastic.open_cards as pot_open_cards,
    plastic.has_sleeping as pot_has_sleeping_card,
    plastic.used.balance as pot_card_balance,
    plastic.used.credit_limit as pot_card_limit,
    coalesce(flows.pot_other_out_amt, 0) as pot_other_out_amt,
    coalesce(flows.pot_other_in_amt, 0) as pot_other_in_amt,
    coalesce(flows.pot_proceeds_max, 0) as pot_proceeds_max,
    coalesce(flows.pot_turnover_amt, 0) as pot_turnover_amt,
    coalesce(flows.pot_purchase_amt, 0) as pot_purchase_amt,
    coalesce(flows.pot_counter_cnt, 0) as pot_counter_cnt,
    coalesce(flows.pot_initiated_cnt, 0) as pot_initiated_cnt,
    moved_salaries.moved.payroll_amt as pot_payroll_amt,
    moved_salaries.moved.moved_amt as pot_payroll_moved_amt,
    capped.contacts as capped_contacts,
    flows.initiated_on as initiated_last_on
from people
left join products using (customer_id)
left join mobiles using (customer_id)
left join families using (customer_id)
left join @engine.int_key_customers:month as was_key using (customer_id)
left join idle using (customer_id)
left join deposits_ahead as ahead using (customer_id)
left join c_deposits as deposits using (customer_id)
left join lending using (customer_id)
left join plastic using (customer_id)
left join c_flows as flows using (customer_id)
left join moved_salaries using (customer_id)
left join capped using (customer_id)
where people.is_active;

drop table loans;

drop table cards;

drop table holdings;

drop table people;
