-- Distinct counterparties, salaries that moved on, and what accounts earn and cost.
create temp table parties_at_places as
select place_id, {parties}
from parties
group by place_id;

create temp table parties_of_customers as
select customer_id, {parties}
from (select customer_id, party, max(last_on) as last_on from parties group by customer_id, party)
group by customer_id;

create temp table moved_salaries as
select
    customer_id,
    arg_max(struct_pack(payroll_amt, moved_amt), struct_pack(
        share := cast(moved_amt as double) / payroll_amt, amount := payroll_amt,
        account := -account_id
    )) as moved
from salaries
group by customer_id;

-- What a month's bookings and balances cost and earn per account, each rounded by itself.
create temp table earned as
select
    held.place_id,
    coalesce(sum(average(
        cast(held.month_days as decimal(24,2)) * cast(case held.product
            when 'demand' then limits.ftp_demand
            when 'time' then limits.ftp_time
            else limits.ftp_certificate
        end - held.rate * 1000000 as decimal(10,0)), 360000000
    )), 0) as contrib_dep,
    coalesce(sum(round(
        case when held.is_open then limits.cost_account else 0 end
        + coalesce(booked.counter_cnt * limits.cost_counter, 0)
        + coalesce(booked.self_service_cnt * limits.cost_self_service, 0)
        + coalesce(booked.digital_cnt * limits.cost_digital, 0), 2
    )), 0) as contrib_cost
from held
join places using (place_id)
join people using (customer_id)
join limits using (legal_entity_id)
left join (
    select
        account_id,
        sum(counter_cnt) as counter_cnt,
        sum(atm_cnt + pos_cnt) as self_service_cnt,
        sum(mobile_cnt + web_cnt + third_party_cnt) as digital_cnt
    from ledger
    where since >= $month_start
    group by account_id
) as booked using (account_id)
group by held.place_id;

drop table ledger;

drop table held;

drop table matured;

drop table parties;

drop table salaries;

drop table reversals;
