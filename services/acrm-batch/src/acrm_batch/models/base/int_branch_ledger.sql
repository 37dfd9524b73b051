/*---
description: A branch's deposits by the ledger and by the accounts, and its year's money in and out.
kind: base
partition: as_of
key: [branch_id]
window: {stg_transactions: month_end, stg_balance_history: month_end}
audits:
  - {assert: "ledger_balance = deposit_balance"}
---*/
-- One row per branch: the ledger's balance of the last month end (or the opening) plus bookings
-- since, beside the sum of the open accounts. An account that changed its branch since takes its
-- balance of that month end along. A branch that has no account any more keeps its year.
with since as (
    select coalesce(max(month_end), $first_day - 1) as day from int_ledger_totals
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

openings as (
    select
        account.branch_id,
        sum(history.balance) as first_day_balance
    from stg_balance_history as history
    inner join stg_deposit_accounts as account on account.account_id = history.account_id
    where history.business_date = $first_day
    group by account.branch_id
),

balances as (
    select branch_id, sum(balance) filter (where is_open) as balance
    from int_account_balances
    group by branch_id
),

moved as (
    select
        earlier.branch_id as old_branch_id,
        account.branch_id as new_branch_id,
        earlier.balance
    from int_account_years as earlier
    inner join stg_deposit_accounts as account on account.account_id = earlier.account_id
    where account.branch_id <> earlier.branch_id
),

parts as (
    select
        old_branch_id as branch_id,
        -balance as balance
    from moved
    union all
    select
        new_branch_id,
        balance
    from moved
),

transfers as (
    select
        branch_id,
        sum(balance) as net
    from parts
    group by branch_id
),

branches as (
    select branch_id from balances
    union
    select branch_id from int_ledger_totals
)

select
    branches.branch_id,
    cast(case
        when (select count(*) from int_ledger_totals) > 0 then coalesce(ledger.ledger_balance, 0)
        else coalesce(openings.first_day_balance, 0) - coalesce(movements.first_day_net, 0)
    end + coalesce(transfers.net, 0) + coalesce(movements.net, 0) as decimal(18,2))
        as ledger_balance,
    cast(coalesce(balances.balance, 0) as decimal(18,2)) as deposit_balance,
    cast(coalesce(movements.year_in, 0) + coalesce(case
        when year(ledger.month_end) = year($bd) then ledger.year_in
    end, 0) as decimal(18,2)) as year_in,
    cast(coalesce(movements.year_out, 0) + coalesce(case
        when year(ledger.month_end) = year($bd) then ledger.year_out
    end, 0) as decimal(18,2)) as year_out
from branches
left join balances on balances.branch_id = branches.branch_id
left join movements on movements.branch_id = branches.branch_id
left join openings on openings.branch_id = branches.branch_id
left join transfers on transfers.branch_id = branches.branch_id
left join int_ledger_totals as ledger on ledger.branch_id = branches.branch_id
