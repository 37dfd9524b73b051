-- What is decided about customers, from what they have at all their places.
create temp table keys as
select people.customer_id
from people
join limits using (legal_entity_id)
left join c_deposits as deposits using (customer_id)
left join (
    select
        customer_id,
        coalesce(sum(balance) filter (where status = 'running'), 0) as balance,
        bool_and(coalesce(interest_arrears, 0) = 0 and coalesce(days_overdue, 0) = 0
            and coalesce(last_overdue_on <= $bd - to_years($clean_years), true)) as is_clean
    from loans
    group by customer_id
) as loans using (customer_id)
where
    people.is_active
    and (
        deposits.recent_days >= limits.key_customer_min_deposit_average * $averaging_days
        or loans.balance >= limits.key_customer_min_loan_balance and loans.is_clean
    );

create temp table rfm as
with active as (
    select customer_id, initiated_on, did_cnt as rfm_cnt, did_amt as rfm_amt
    from c_flows
    join people using (customer_id)
    where people.is_active and did_cnt > 0
),

-- Ties share the place of the last of them.
ranked as (
    select
        *,
        cume_dist() over (order by initiated_on) as r,
        cume_dist() over (order by rfm_cnt) as f,
        cume_dist() over (order by rfm_amt) as m
    from active
)

select
    customer_id,
    initiated_on as rfm_last_on,
    rfm_cnt,
    rfm_amt,
    cast(ceil(5 * r - 1e-12) as integer) as rfm_r,
    cast(ceil(5 * f - 1e-12) as integer) as rfm_f,
    cast(ceil(5 * m - 1e-12) as integer) as rfm_m
from ranked;

create temp table lives as
with begun as (
    select
        customer_id,
        opened_on as begun_on,
        not coalesce(closed_on <= $bd, false) as goes_on,
        false as is_loan
    from accounts
    join places using (place_id)
    union all
    select customer_id, granted_on, status = 'running', status = 'running' from loans
    union all
    select customer_id, issued_on, not coalesce(closed_on <= $bd, false), false from cards
    union all
    select customer_id, bought_on, not coalesce(ended_on <= $bd, false), false from holdings
)

select
    customer_id,
    min(begun_on) as first_business_on,
    bool_or(goes_on) as has_business,
    bool_or(is_loan) as has_loan
from begun
where begun_on <= $bd
group by customer_id;

create temp table valued as
select
    people.customer_id,
    coalesce(deposits.dep_bal, 0) + coalesce(credit.invested_bal, 0) as aum,
    coalesce(earned.contrib_dep, 0) + coalesce(borrowed.contrib_loan, 0)
        + coalesce(flows.contrib_fee, 0) - coalesce(earned.contrib_cost, 0)
        - coalesce(borrowed.contrib_loss, 0) as contrib,
    coalesce(decided.tier, case
        when aum >= limits.tier_gold_aum or contrib >= limits.tier_gold_contribution then 'gold'
        when aum >= limits.tier_profit_aum or contrib >= limits.tier_profit_contribution
            then 'profit'
        when aum >= limits.tier_grow_aum then 'general_grow'
        when aum < limits.tier_exit_aum and contrib <= 0 then 'general_exit'
        else 'general_standardise'
    end) as tier,
    case
        when lives.first_business_on is null then 'prospect'
        when not lives.has_business then 'lost'
        when lives.first_business_on > $bd - cast(limits.lifecycle_new_days as integer)
            then 'new'
        when $first_day <= $bd - $dormant_days + 1
            and not coalesce(flows.initiated_on > $bd - $dormant_days, false)
            and aum < limits.lifecycle_dormant_aum
            and not lives.has_loan then 'dormant'
        when 100 * deposits.balance_days_1 * $days_3
            <= (100 - limits.lifecycle_change_pct) * deposits.balance_days_3 * $days_1
            and deposits.balance_days_3 * $days_1 - deposits.balance_days_1 * $days_3
            >= limits.lifecycle_change_min * $days_1 * $days_3 then 'declining'
        when 100 * deposits.balance_days_1 * $days_3
            >= (100 + limits.lifecycle_change_pct) * deposits.balance_days_3 * $days_1
            and deposits.balance_days_1 * $days_3 - deposits.balance_days_3 * $days_1
            >= limits.lifecycle_change_min * $days_1 * $days_3 then 'growing'
        else 'stable'
    end as lifecycle,
    lives.first_business_on
from people
join limits using (legal_entity_id)
left join c_deposits as deposits using (customer_id)
left join c_credit as credit using (customer_id)
left join c_earned as earned using (customer_id)
left join c_borrowed as borrowed using (customer_id)
left join c_flows as flows using (customer_id)
left join lives using (customer_id)
left join @engine.int_tiers as decided using (customer_id)
where people.is_active;

create temp table serviced as
select
    customer_id,
    greatest(0, cast(visits as integer) * days // 365 - coalesce(contacted.seen, 0))
        + greatest(0, cast(calls as integer) * days // 365 - coalesce(contacted.called, 0)) as service_missing_cnt
from (
    select
        customer_id,
        greatest(0, $bd + 1 - greatest($first_day, coalesce(customer_since, $first_day),
            $bd - 364)) as days,
        case valued.tier
            when 'gold' then limits.service_visits_gold
            when 'profit' then limits.service_visits_profit
            when 'general_grow' then limits.service_visits_general_grow
            when 'general_standardise' then limits.service_visits_general_standardise
            when 'general_exit' then limits.service_visits_general_exit
        end as visits,
        case valued.tier
            when 'gold' then limits.service_calls_gold
            when 'profit' then limits.service_calls_profit
            when 'general_grow' then limits.service_calls_general_grow
            when 'general_standardise' then limits.service_calls_general_standardise
            when 'general_exit' then limits.service_calls_general_exit
        end as calls
    from valued
    join people using (customer_id)
    join limits using (legal_entity_id)
)
left join contacted using (customer_id);

create temp table described as
select
    people.customer_id,
    people.region,
    people.founded_on,
    people.risk_profile as risk_level,
    people.risk_profile_expires_on as risk_expires_on,
    case
        when lead.manager_from = 'head' then given.assigned_on
        when lead.manager_from = 'rule' and lead.rule = 'locked' then lead.locked_on
    end as assigned_on,
    case
        when
            keys.customer_id is not null
            and private.assigned_on <= $bd
            and not coalesce(private.ended_on <= $bd, false)
            and not coalesce(employee.left_on <= $bd, false)
            then private.manager_id
    end as private_manager
from people
join @engine.int_lead_decisions as lead using (customer_id)
left join @coverage_managers as given
    on given.customer_id = people.customer_id and given.branch_id = lead.lead_branch_id
left join keys using (customer_id)
left join @private_managers as private on private.customer_id = people.customer_id
left join @employees as employee on employee.employee_id = private.manager_id
where people.is_active;

create temp table spine as
select
    people.customer_id,
    people.legal_entity_id,
    lead.lead_branch_id,
    coverage.covering_branches,
    keys.customer_id is not null as is_key_customer
from people
join @engine.int_lead_decisions as lead using (customer_id)
left join (
    select customer_id, count(distinct branch_id) as covering_branches
    from @engine.int_coverage
    group by customer_id
) as coverage using (customer_id)
left join keys using (customer_id)
where people.is_active;

drop table places;

drop table accounts;

create temp table alive as
{lifetime};
