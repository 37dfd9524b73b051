/*---
description: What a customer's bookings tell of what could be offered.
kind: potential
partition: as_of
key: [customer_id]
window:
  stg_transactions:
    - potential.flow_days
    - potential.turnover_days
    - potential.counter_days
    - potential.no_txn_days
---*/
-- One row per active customer with a booking in the longest window of his legal entity. Rules:
-- docs/rules/potential.md, T01 to T05. Reversals and what they reversed are left out. Of the salary
-- that moves on, the account and day stand where the share was the largest.
with entities as (
    select distinct legal_entity_id from int_customers
),

limits as (
    select
        legal_entity_id,
        $bd - cast(param('potential.flow_days', legal_entity_id) as integer) as flow_after,
        $bd - cast(param('potential.turnover_days', legal_entity_id) as integer) as turnover_after,
        $bd - cast(param('potential.counter_days', legal_entity_id) as integer) as counter_after,
        $bd - cast(param('potential.no_txn_days', legal_entity_id) as integer) as initiated_after
    from entities
),

accounts as (
    select
        account.account_id,
        account.customer_id,
        limits.flow_after,
        limits.turnover_after,
        limits.counter_after,
        limits.initiated_after,
        least(
            limits.flow_after, limits.turnover_after, limits.counter_after, limits.initiated_after
        ) as read_after
    from stg_deposit_accounts as account
    inner join int_customers as customer on customer.customer_id = account.customer_id
    inner join limits on limits.legal_entity_id = customer.legal_entity_id
),

reversed as (
    select reverses_txn_id as txn_id from stg_transactions where reverses_txn_id is not null
),

bookings as (
    select
        account.customer_id,
        booking.account_id,
        booking.booked_on,
        booking.amount,
        booking.txn_type,
        booking.channel,
        booking.direction = 'credit' as is_credit,
        booking.counterparty_bank is not null as is_other_bank,
        booking.booked_on > account.flow_after as is_of_flow,
        booking.booked_on > account.turnover_after as is_of_turnover,
        booking.booked_on > account.counter_after as is_of_counter,
        booking.booked_on > account.initiated_after as is_of_initiated
    from stg_transactions as booking
    inner join accounts as account on account.account_id = booking.account_id
    where
        booking.booked_on > account.read_after
        and booking.booked_on <= $bd
        and booking.reverses_txn_id is null
        and booking.txn_id not in (select txn_id from reversed)
),

sums as (
    select
        customer_id,
        sum(case when is_of_flow and not is_credit and is_other_bank then amount end)
            as pot_other_out_amt,
        sum(case when is_of_flow and is_credit and is_other_bank then amount end)
            as pot_other_in_amt,
        max(case
            when is_of_flow and is_credit and txn_type in ('land_compensation', 'property_sale')
                then amount
        end) as pot_proceeds_max,
        sum(case when is_of_turnover and is_credit and txn_type = 'acquiring' then amount end)
            as pot_turnover_amt,
        sum(case when is_of_flow and not is_credit and txn_type = 'purchase' then amount end)
            as pot_purchase_amt,
        count(case when is_of_counter and channel = 'counter' then 1 end) as pot_counter_cnt,
        count(case when is_of_initiated and is_initiated(channel, txn_type) then 1 end)
            as pot_initiated_cnt
    from bookings
    group by customer_id
),

salaries as (
    select customer_id, account_id, booked_on, sum(amount) as payroll_amt
    from bookings
    where is_of_flow and is_credit and txn_type = 'payroll'
    group by customer_id, account_id, booked_on
    having sum(amount) > 0
),

leaving as (
    select account_id, booked_on, amount
    from bookings
    where not is_credit and is_other_bank
),

moved as (
    select
        paid.customer_id,
        paid.account_id,
        paid.payroll_amt,
        coalesce(sum(leaving.amount), 0) as moved_amt
    from salaries as paid
    left join leaving
        on leaving.account_id = paid.account_id
        and leaving.booked_on in (paid.booked_on, paid.booked_on + 1)
    group by paid.customer_id, paid.account_id, paid.booked_on, paid.payroll_amt
),

most as (
    select *
    from moved
    qualify row_number() over (
        partition by customer_id
        order by cast(moved_amt as double) / payroll_amt desc, payroll_amt desc, account_id
    ) = 1
)

select
    sums.customer_id,
    cast(coalesce(sums.pot_other_out_amt, 0) as decimal(18,2)) as pot_other_out_amt,
    cast(coalesce(sums.pot_other_in_amt, 0) as decimal(18,2)) as pot_other_in_amt,
    cast(coalesce(sums.pot_proceeds_max, 0) as decimal(18,2)) as pot_proceeds_max,
    cast(coalesce(sums.pot_turnover_amt, 0) as decimal(18,2)) as pot_turnover_amt,
    cast(coalesce(sums.pot_purchase_amt, 0) as decimal(18,2)) as pot_purchase_amt,
    sums.pot_counter_cnt,
    sums.pot_initiated_cnt,
    cast(most.payroll_amt as decimal(18,2)) as pot_payroll_amt,
    cast(most.moved_amt as decimal(18,2)) as pot_payroll_moved_amt
from sums
left join most on most.customer_id = sums.customer_id
