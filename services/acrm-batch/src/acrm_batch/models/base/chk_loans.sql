/*---
description: Loans that moved, beside what happened to them that day.
kind: check
partition: as_of
key: [loan_id]
window: {stg_loan_history: 2, stg_loan_events: 30}
audits:
  - {assert: "before + granted - written_off - balance between principal_paid and repaid - interest_paid", severity: warn}
---*/
-- One row per loan whose balance moved or of which money was paid or written off on the day, at a
-- bank that told of any loan event lately. What is not running has no balance. How much of what was
-- repaid is principal only the instalments say that were paid that day: it is theirs where nothing
-- else was repaid, and where more was (ahead of time, or a penalty) at least theirs and at most all
-- but their interest. A loan of which the source does not say balance or amount is left out.
with standing as (
    select
        loan_id,
        business_date,
        lag(business_date) over (partition by loan_id order by business_date) is null as is_new,
        lag(case when status = 'running' then balance else 0 end) over (
            partition by loan_id order by business_date
        ) as before
    from stg_loan_history
),

came as (
    select
        loan_id,
        case when is_new then 0 else before end as before
    from standing
    where business_date = $bd
),

events as (
    select
        loan_id,
        sum(case when change = 'granted' then amount else 0 end) as granted,
        sum(case when change = 'written_off' then amount else 0 end) as written_off,
        sum(case when change in ('repaid', 'settled') then coalesce(amount, 0) else 0 end)
            as repaid,
        count(case when change <> 'settled' and amount is null then 1 end) as untold
    from stg_loan_events
    where occurred_on = $bd and change in ('granted', 'repaid', 'settled', 'written_off')
    group by loan_id
),

instalments as (
    select
        loan_id,
        sum(principal) as principal,
        sum(interest) as interest
    from stg_loan_schedules
    where paid_on = $bd
    group by loan_id
),

loans as (
    select
        loan.loan_id,
        case when came.loan_id is null
            then case when loan.status = 'running' then loan.balance else 0 end
            else came.before
        end as before,
        case when loan.status = 'running' then loan.balance else 0 end as balance
    from stg_loans as loan
    left join came on came.loan_id = loan.loan_id
)

select
    loans.loan_id,
    loans.before,
    loans.balance,
    cast(coalesce(events.granted, 0) as decimal(18,2)) as granted,
    cast(coalesce(events.written_off, 0) as decimal(18,2)) as written_off,
    cast(coalesce(events.repaid, 0) as decimal(18,2)) as repaid,
    cast(coalesce(instalments.principal, 0) as decimal(18,2)) as principal_paid,
    cast(coalesce(instalments.interest, 0) as decimal(18,2)) as interest_paid
from loans
left join events on events.loan_id = loans.loan_id
left join instalments on instalments.loan_id = loans.loan_id
where
    $bd > $first_day
    and (select count(*) from stg_loan_events) > 0
    and coalesce(events.untold, 0) = 0
    and loans.before is not null
    and loans.balance is not null
    and (
        loans.before <> loans.balance
        or events.loan_id is not null
        or instalments.loan_id is not null
    )
