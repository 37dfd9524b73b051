-- Windows of the ledger per customer and branch, put together from its segments, for one part of
-- the places, so that their sums stay in memory.
{into}
select
    accounts.place_id,
    {flows},
    {active},
    max(last_on) filter (where is_recent) as flow_last_on,
    {bookings},
    cast(coalesce(sum(interest) filter (where is_of_month), 0) as decimal(18,2))
        as dep_interest_m,
    cast(coalesce(sum(interest) filter (where is_of_year), 0) as decimal(18,2))
        as dep_interest_y,
    cast(-coalesce(sum(fee_net) filter (where since >= $month_start), 0) as decimal(18,2))
        as fee_amt_m,
    cast(-coalesce(sum(fee_net) filter (where since >= $year_start), 0) as decimal(18,2))
        as fee_amt_y,
    cast(coalesce(sum(acquiring) filter (where is_of_month), 0) as decimal(18,2))
        as acquiring_amt_m,
    cast(coalesce(sum(acquiring) filter (where is_of_year), 0) as decimal(18,2))
        as acquiring_amt_y,
    cast(coalesce(sum(acquiring) filter (where is_30d), 0) as decimal(18,2))
        as acquiring_amt_30d,
    cast(coalesce(sum(acquiring) filter (where is_recent), 0) as decimal(18,2))
        as acquiring_amt_90d,
    cast(coalesce(sum(payroll) filter (where is_30d), 0) as decimal(18,2))
        as payroll_in_amt_30d,
    cast(coalesce(sum(payroll) filter (where is_recent), 0) as decimal(18,2)) as payroll_in_amt_90d,
    cast(coalesce(sum(pension) filter (where is_30d), 0) as decimal(18,2))
        as pension_in_amt_30d,
    -- Costs of bookings count what was reversed too.
    cast(-coalesce(sum(fee_net) filter (where since >= $month_start), 0) as decimal(18,2))
        as contrib_fee,
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
from (
    select
        *,
        state = 0 and since > $bd - 90 as is_recent,
        state = 0 and since > $bd - 30 as is_30d,
        state = 0 and since >= $month_start as is_of_month,
        state <> 1 and since >= $year_start as is_of_year
    from ledger
) as ledger
join accounts using (account_id)
where accounts.place_id % {parts} = {part}
group by accounts.place_id;
