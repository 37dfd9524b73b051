-- Balances of every day that is asked for follow from today's and the ledger: what was booked since
-- is taken back. The sum of the n days from S on is n × today's balance less every booking × the
-- days from S until it.
create temp table moves as
select
    account_id,
    {moves}
from ledger
group by account_id;

create temp table held as
select
    accounts.*,
    -- Of term deposits that matured this month, what lay there at the end of the day before.
    accounts.product <> 'demand' and accounts.matures_on >= $month_start
        and accounts.matures_on <= $bd as is_matured,
    accounts.is_open and accounts.product <> 'demand' as is_open_term,
    {balances}
from accounts
left join moves using (account_id);

drop table moves;

create temp table matured as
select
    held.account_id,
    any_value(held.balance) - coalesce(sum(case
        when booking.direction = 'credit' then booking.amount else -booking.amount
    end), 0) as balance
from held
left join @transactions:month as booking
    on booking.account_id = held.account_id and booking.business_date >= held.matures_on
where held.is_matured and held.is_known and held.matures_on > $first_day
group by held.account_id;

create temp table matured_this_year as
select account_id, sum(balance) as balance
from (
    select account_id, balance from @engine.int_matured_years where year(month_end) = year($bd)
    union all
    select account_id, matured.balance
    from matured
    join held using (account_id)
    where held.matures_on
        > (select coalesce(max(month_end), $first_day) from @engine.int_matured_years)
)
group by account_id;

create temp table deposits as
select
    held.place_id,
    {deposits},
    sum(held.recent_days) as recent_days,
    sum(held.month_days) as month_days,
    sum(held.year_days) as year_days,
    {months},
    coalesce(sum(held.balance) filter (where held.is_open_term and held.matures_on > $bd
        and held.matures_on <= $bd + 30), 0) as dep_maturing_30d,
    coalesce(sum(held.balance) filter (where held.is_open_term and held.matures_on > $bd
        and held.matures_on <= $bd + 90), 0) as dep_maturing_90d,
    count(*) filter (where held.is_open and held.opened_on >= $month_start) as dep_opened_m,
    count(*) filter (where held.closed_on between $month_start and $bd) as dep_closed_m,
    min(held.opened_on) filter (where held.is_open) as dep_first_opened_on,
    min(held.matures_on) filter (where held.is_open_term and held.matures_on > $bd)
        as dep_next_matures_on,
    count(*) filter (where held.is_open and held.product = 'demand') as dep_demand_cnt,
    count(*) filter (where held.is_open and held.product = 'time') as dep_time_cnt,
    count(*) filter (where held.is_open and held.product = 'certificate') as dep_cert_cnt,
    coalesce(sum(matured.balance), 0) as dep_matured_m,
    cast(0 as decimal(38,2)) as dep_taken_up_m,
    coalesce(sum(matured_this_year.balance), 0) as dep_matured_y,
    cast(0 as decimal(38,2)) as dep_taken_up_y
from held
left join matured using (account_id)
left join matured_this_year using (account_id)
group by held.place_id;

-- What lies on term deposits opened since the first of this month's maturities at the place.
update deposits
set dep_taken_up_m = least(dep_matured_m, again.amount)
from (
    select held.place_id, sum(held.balance) as amount
    from held
    join (
        select place_id, min(matures_on) as matured_on from held where is_matured group by place_id
    ) as first using (place_id)
    where held.is_open_term and held.opened_on >= first.matured_on
    group by held.place_id
) as again
where again.place_id = deposits.place_id and deposits.dep_matured_m > 0;

update deposits
set dep_taken_up_y = least(dep_matured_y, again.amount)
from (
    select held.place_id, sum(held.balance) as amount
    from held
    join (
        select place_id, min(matures_on) as matured_on
        from held
        where product <> 'demand' and matures_on between $year_start and $bd
        group by place_id
    ) as first using (place_id)
    where held.is_open_term and held.opened_on >= first.matured_on
    group by held.place_id
) as again
where again.place_id = deposits.place_id and deposits.dep_matured_y > 0;

-- The smallest balance of the idle days: that of their first day, and those delivered since.
create temp table idle as
select
    places.customer_id,
    max(least(held.idle_balance, delivered.balance)) as pot_idle_balance
from held
join places using (place_id)
left join (
    select account_id, min(balance) as balance
    from @balances_delivered:idle
    group by account_id
) as delivered using (account_id)
where
    held.is_open
    and held.is_known
    and held.product = 'demand'
    and held.opened_on <= $bd - $idle_days + 1
    and $first_day <= $bd - $idle_days + 1
group by places.customer_id;

create temp table deposits_ahead as
select
    places.customer_id,
    sum(held.balance) filter (
        where held.is_open_term
        and held.product in ('time', 'certificate')
        and held.matures_on > $bd
        and held.matures_on <= $bd + cast(limits.potential_time_days as integer)
    ) as pot_maturing_amt,
    bool_or(
        held.is_open
        and held.opened_on <= $bd - $no_txn_days
        and $first_day <= $bd - $no_txn_days + 1
    ) as pot_has_old_account,
    sum(held.balance_two_months) filter (where held.is_open_two_months) as pot_deposits_m2
from held
join places using (place_id)
join people using (customer_id)
join limits using (legal_entity_id)
group by places.customer_id;
