/*---
description: What a customer's deposit accounts tell of what could be offered.
kind: potential
partition: as_of
key: [customer_id]
window: {stg_balance_history: potential.idle_days}
at: {ind_balances: [two_months]}
---*/
-- One row per active customer with a deposit account. Rules: docs/rules/potential.md, T01 and T06.
with entities as (
    select distinct legal_entity_id from int_customers
),

limits as (
    select
        legal_entity_id,
        $bd - cast(param('potential.idle_days', legal_entity_id) as integer) + 1 as idle_from,
        $bd + cast(param('potential.time_days', legal_entity_id) as integer) as matures_until,
        $bd - cast(param('potential.no_txn_days', legal_entity_id) as integer) as old_until
    from entities
),

held as (
    select
        account.account_id,
        account.customer_id,
        account.product,
        account.is_open,
        account.opened_on,
        account.matures_on,
        account.balance,
        limits.idle_from,
        limits.matures_until,
        limits.old_until
    from int_account_balances as account
    inner join int_customers as customer on customer.customer_id = account.customer_id
    inner join limits on limits.legal_entity_id = customer.legal_entity_id
),

spans as (
    select
        account_id,
        balance,
        business_date as from_on,
        lead(business_date, 1, $bd + 1) over (
            partition by account_id order by business_date
        ) as until_on
    from stg_balance_history
),

-- The smallest balance of the days, for accounts whose balance is known on all of them.
smallest as (
    select
        spans.account_id,
        min(spans.balance) as balance
    from spans
    inner join held on held.account_id = spans.account_id
    where spans.until_on > held.idle_from
    group by spans.account_id, held.idle_from
    having min(spans.from_on) <= held.idle_from
),

accounts as (
    select
        account.customer_id,
        max(case
            when
                account.product = 'demand'
                and account.is_open
                and account.opened_on <= account.idle_from
                and $first_day <= account.idle_from
                then smallest.balance
        end) as pot_idle_balance,
        sum(case
            when
                account.is_open
                and account.product in ('time', 'certificate')
                and account.matures_on > $bd
                and account.matures_on <= account.matures_until
                then account.balance
        end) as pot_maturing_amt,
        -- Of bookings before the first delivery nothing is known.
        max(case
            when
                account.is_open
                and account.opened_on <= account.old_until
                and $first_day <= account.old_until + 1
                then 1
            else 0
        end) as pot_old_account
    from held as account
    left join smallest on smallest.account_id = account.account_id
    group by account.customer_id
),

month_ends as (
    select
        customer_id,
        cast(sum(dep_bal) as decimal(18,2)) as deposits
    from ind_balances_two_months
    where
        cast(date_trunc('month', cast(date_trunc('month', $bd) as date) - 1) as date) - 1
        >= $first_day
    group by customer_id
)

select
    accounts.customer_id,
    cast(accounts.pot_idle_balance as decimal(18,2)) as pot_idle_balance,
    cast(accounts.pot_maturing_amt as decimal(18,2)) as pot_maturing_amt,
    accounts.pot_old_account = 1 as pot_has_old_account,
    month_ends.deposits as pot_deposits_m2,
    averages.days_1 as pot_days_1,
    averages.days_2 as pot_days_2,
    averages.days_3 as pot_days_3,
    averages.days_4 as pot_days_4,
    averages.balance_days_1 as pot_balance_days_1,
    averages.balance_days_2 as pot_balance_days_2,
    averages.balance_days_3 as pot_balance_days_3,
    averages.balance_days_4 as pot_balance_days_4
from accounts
left join month_ends on month_ends.customer_id = accounts.customer_id
left join int_month_averages as averages on averages.customer_id = accounts.customer_id
