/*---
description: What a customer earned the bank at a branch, from the first of the month on.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
window: {stg_loan_history: month, stg_transactions: month}
audits:
  - {assert: "contrib = contrib_dep + contrib_loan + contrib_fee - contrib_cost - contrib_loss"}
  - {row_count_drift: {max_pct: 20}, severity: warn}
---*/
-- One row per customer and branch that has or had a deposit account or a loan, valid customers or
-- not: a branch's contribution is made of the balances that it has. Every account and loan is
-- rounded by itself, so that amounts add up.
with homes as (
    select
        customer.customer_id,
        coalesce(home.parent_id, '') as legal_entity_id
    from stg_customers as customer
    left join stg_org_units as home on home.org_id = customer.home_branch_id
),

entities as (
    select distinct legal_entity_id from homes
),

-- Rates are in millionths a year, as those of accounts and loans are told.
prices as (
    select
        legal_entity_id,
        cast(param('contribution.ftp_demand_pct', legal_entity_id) * 10000 as decimal(18,0))
            as ftp_demand,
        cast(param('contribution.ftp_time_pct', legal_entity_id) * 10000 as decimal(18,0))
            as ftp_time,
        cast(param('contribution.ftp_certificate_pct', legal_entity_id) * 10000 as decimal(18,0))
            as ftp_certificate,
        cast(param('contribution.ftp_loan_pct', legal_entity_id) * 10000 as decimal(18,0))
            as ftp_loan,
        param('contribution.cost_account', legal_entity_id) as cost_account,
        param('contribution.cost_counter', legal_entity_id) as cost_counter,
        param('contribution.cost_self_service', legal_entity_id) as cost_self_service,
        param('contribution.cost_digital', legal_entity_id) as cost_digital,
        -- PD × LGD, both in hundredths of a per cent.
        cast(param('contribution.pd_normal_pct', legal_entity_id) * 100 as decimal(9,0))
            * cast(param('contribution.lgd_pct', legal_entity_id) * 100 as decimal(9,0))
            as loss_normal,
        cast(param('contribution.pd_special_mention_pct', legal_entity_id) * 100 as decimal(9,0))
            * cast(param('contribution.lgd_pct', legal_entity_id) * 100 as decimal(9,0))
            as loss_special_mention,
        cast(param('contribution.pd_default_pct', legal_entity_id) * 100 as decimal(9,0))
            * cast(param('contribution.lgd_pct', legal_entity_id) * 100 as decimal(9,0))
            as loss_default
    from entities
),

priced as (
    select homes.customer_id, prices.*
    from homes
    inner join prices on prices.legal_entity_id = homes.legal_entity_id
),

bookings as (
    select
        account_id,
        sum(case when txn_type <> 'fee' then 0 when direction = 'debit' then amount else -amount end)
            as fees,
        count(*) filter (where channel = 'counter') as counter_cnt,
        count(*) filter (where channel in ('atm', 'pos')) as self_service_cnt,
        count(*) filter (where channel in ('mobile', 'web', 'third_party')) as digital_cnt
    from stg_transactions
    where booked_on >= date_trunc('month', $bd) and booked_on <= $bd
    group by account_id
),

accounts as (
    select
        account.customer_id,
        account.branch_id,
        average(
            cast(account.month_balance_days as decimal(24,2)) * cast(case account.product
                when 'demand' then priced.ftp_demand
                when 'time' then priced.ftp_time
                else priced.ftp_certificate
            end - account.rate * 1000000 as decimal(10,0)),
            360000000
        ) as contrib_dep,
        bookings.fees as contrib_fee,
        round(
            case when account.is_open then priced.cost_account else 0 end
            + coalesce(bookings.counter_cnt * priced.cost_counter, 0)
            + coalesce(bookings.self_service_cnt * priced.cost_self_service, 0)
            + coalesce(bookings.digital_cnt * priced.cost_digital, 0), 2
        ) as contrib_cost
    from int_account_balances as account
    inner join priced on priced.customer_id = account.customer_id
    left join bookings on bookings.account_id = account.account_id
),

spans as (
    select
        loan_id,
        balance,
        status,
        business_date as from_on,
        lead(business_date, 1, $bd + 1) over (
            partition by loan_id order by business_date
        ) as until_on
    from stg_loan_history
),

owed as (
    select
        loan_id,
        sum(cast(balance as decimal(24,2)) * cast(overlap_days(
            from_on, until_on, greatest($first_day, cast(date_trunc('month', $bd) as date)), $bd
        ) as integer)) as balance_days
    from spans
    where status = 'running'
    group by loan_id
),

loans as (
    select
        loan.customer_id,
        loan.branch_id,
        average(
            cast(owed.balance_days as decimal(24,2))
            * cast(loan.rate * 1000000 - priced.ftp_loan as decimal(10,0)),
            360000000
        ) as contrib_loan,
        average(
            cast(owed.balance_days as decimal(24,2)) * cast(case loan.five_tier
                when 'normal' then priced.loss_normal
                when 'special_mention' then priced.loss_special_mention
                else priced.loss_default
            end as decimal(12,0)),
            36000000000
        ) as contrib_loss
    from stg_loans as loan
    inner join priced on priced.customer_id = loan.customer_id
    left join owed on owed.loan_id = loan.loan_id
),

parts as (
    select
        customer_id, branch_id, contrib_dep, 0 as contrib_loan, contrib_fee, contrib_cost,
        0 as contrib_loss
    from accounts
    union all
    select customer_id, branch_id, 0, contrib_loan, 0, 0, contrib_loss
    from loans
),

sums as (
    select
        customer_id,
        branch_id,
        cast(coalesce(sum(contrib_dep), 0) as decimal(18,2)) as contrib_dep,
        cast(coalesce(sum(contrib_loan), 0) as decimal(18,2)) as contrib_loan,
        cast(coalesce(sum(contrib_fee), 0) as decimal(18,2)) as contrib_fee,
        cast(coalesce(sum(contrib_cost), 0) as decimal(18,2)) as contrib_cost,
        cast(coalesce(sum(contrib_loss), 0) as decimal(18,2)) as contrib_loss
    from parts
    group by customer_id, branch_id
)

select
    customer_id,
    branch_id,
    cast(contrib_dep + contrib_loan + contrib_fee - contrib_cost - contrib_loss as decimal(18,2))
        as contrib,
    contrib_dep,
    contrib_loan,
    contrib_fee,
    contrib_cost,
    contrib_loss
from sums
