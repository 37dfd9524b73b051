/*---
description: What the deposit ledger says a branch's balances are, carried from month end to month end.
kind: base
partition: month_end
key: [branch_id]
window: {stg_transactions: month_end, stg_balance_history: month_end}
before:
  branch_id: varchar
  ledger_balance: decimal(18,2)
  year_in: decimal(18,2)
  year_out: decimal(18,2)
  month_end: date
audits:
  - {assert: "ledger_balance = balance"}
---*/
-- One row per branch: opening before the first delivered day plus signed bookings since, beside the
-- balances delivered for the month end. Balances of the first day are needed for the opening only.
-- An account that changed its branch takes its balance of the month end before along. Beside them the
-- year's money in and out, which stays with the branch that had the account at the month end after
-- the booking; a reversal takes back what it reverses.
with since as (
    select coalesce(max(month_end), $first_day - 1) as day from int_ledger_totals_before
),

movements as (
    select
        account.branch_id,
        sum(case booking.direction when 'credit' then booking.amount else -booking.amount end)
            as net,
        sum(case
            when booking.direction = 'credit' and booking.reverses_txn_id is null
                then booking.amount
            when booking.direction = 'debit' and booking.reverses_txn_id is not null
                then -booking.amount
        end) filter (where booking.booked_on >= date_trunc('year', $bd)) as year_in,
        sum(case
            when booking.direction = 'debit' and booking.reverses_txn_id is null
                then booking.amount
            when booking.direction = 'credit' and booking.reverses_txn_id is not null
                then -booking.amount
        end) filter (where booking.booked_on >= date_trunc('year', $bd)) as year_out,
        sum(case booking.direction when 'credit' then booking.amount else -booking.amount end)
            filter (where booking.booked_on = $first_day) as first_day_net
    from stg_transactions as booking
    inner join stg_deposit_accounts as account on account.account_id = booking.account_id
    where booking.booked_on > (select day from since) and booking.booked_on <= $bd
    group by account.branch_id
),

delivered as (
    select
        account_id,
        balance,
        business_date,
        row_number() over (partition by account_id order by business_date desc) = 1 as is_newest
    from stg_balance_history
),

balances as (
    select
        account.branch_id,
        sum(delivered.balance) filter (where delivered.is_newest) as balance,
        sum(delivered.balance) filter (where delivered.business_date = $first_day)
            as first_day_balance
    from delivered
    inner join stg_deposit_accounts as account on account.account_id = delivered.account_id
    group by account.branch_id
),

moved as (
    select
        previous_branch_id as branch_id,
        -previous_balance as balance
    from int_account_years
    where branch_id <> previous_branch_id
    union all
    select
        branch_id,
        previous_balance as balance
    from int_account_years
    where branch_id <> previous_branch_id
),

transfers as (
    select
        branch_id,
        sum(balance) as net
    from moved
    group by branch_id
),

branches as (
    select branch_id from balances
    union
    select branch_id from movements
    union
    select branch_id from int_ledger_totals_before
)

select
    branches.branch_id,
    cast(case
        when (select count(*) from int_ledger_totals_before) > 0
            then coalesce(earlier.ledger_balance, 0)
        else coalesce(balances.first_day_balance, 0) - coalesce(movements.first_day_net, 0)
    end + coalesce(transfers.net, 0) + coalesce(movements.net, 0) as decimal(18,2))
        as ledger_balance,
    cast(coalesce(balances.balance, 0) as decimal(18,2)) as balance,
    cast(coalesce(movements.year_in, 0) + coalesce(case
        when year(earlier.month_end) = year($bd) then earlier.year_in
    end, 0) as decimal(18,2)) as year_in,
    cast(coalesce(movements.year_out, 0) + coalesce(case
        when year(earlier.month_end) = year($bd) then earlier.year_out
    end, 0) as decimal(18,2)) as year_out,
    $bd as month_end
from branches
left join balances on balances.branch_id = branches.branch_id
left join movements on movements.branch_id = branches.branch_id
left join transfers on transfers.branch_id = branches.branch_id
left join int_ledger_totals_before as earlier on earlier.branch_id = branches.branch_id
