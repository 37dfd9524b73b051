-- Windows of the ledger per customer and branch, put together from its segments.
create temp table flows as
select
    accounts.place_id,
    {flows},
    {active},
    max(last_on) filter (where is_recent) as flow_last_on,
    {bookings},
    coalesce(sum(interest) filter (where state = 0 and since >= $month_start), 0)
        as dep_interest_m,
    coalesce(sum(interest) filter (where state <> 1 and since >= $year_start), 0)
        as dep_interest_y,
    coalesce(sum(fee) filter (where state = 0 and since >= $month_start), 0) as fee_amt_m,
    coalesce(sum(fee) filter (where state <> 1 and since >= $year_start), 0) as fee_amt_y,
    coalesce(sum(acquiring) filter (where state = 0 and since >= $month_start), 0)
        as acquiring_amt_m,
    coalesce(sum(acquiring) filter (where state <> 1 and since >= $year_start), 0)
        as acquiring_amt_y,
    coalesce(sum(acquiring) filter (where is_recent and since > $bd - 30), 0)
        as acquiring_amt_30d,
    coalesce(sum(acquiring) filter (where is_recent), 0) as acquiring_amt_90d,
    coalesce(sum(payroll) filter (where is_recent and since > $bd - 30), 0)
        as payroll_in_amt_30d,
    coalesce(sum(payroll) filter (where is_recent), 0) as payroll_in_amt_90d,
    coalesce(sum(pension) filter (where is_recent and since > $bd - 30), 0)
        as pension_in_amt_30d,
    -- Costs of bookings count what was reversed too.
    -coalesce(sum(fee_net) filter (where since >= $month_start), 0) as contrib_fee,
    sum(other_amt) filter (where state = 0 and since > $bd - $flow_days) as pot_other_out_amt,
    sum(other_in_amt) filter (where state = 0 and since > $bd - $flow_days) as pot_other_in_amt,
    max(proceeds) filter (where state = 0 and since > $bd - $flow_days) as pot_proceeds_max,
    sum(acquiring) filter (where state = 0 and since > $bd - $turnover_days)
        as pot_turnover_amt,
    sum(purchase) filter (where state = 0 and since > $bd - $flow_days) as pot_purchase_amt,
    sum(counter_cnt) filter (where state = 0 and since > $bd - $counter_days)
        as pot_counter_cnt,
    sum(initiated_cnt) filter (where state = 0 and since > $bd - $no_txn_days)
        as pot_initiated_cnt,
    max(initiated_on) filter (where state = 0 and since > $bd - $initiated_days)
        as initiated_on,
    coalesce(sum(initiated_cnt) filter (where state = 0 and since > $bd - $rfm_days), 0)
        as did_cnt,
    coalesce(sum(initiated_amt) filter (where state = 0 and since > $bd - $rfm_days), 0)
        as did_amt
from (select *, state = 0 and since > $bd - 90 as is_recent from ledger) as ledger
join accounts using (account_id)
group by accounts.place_id;

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
