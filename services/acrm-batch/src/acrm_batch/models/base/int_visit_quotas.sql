/*---
description: Who is to be visited this month because he owes much, and whether he was.
kind: base
partition: as_of
key: [customer_id]
window: {stg_contacts: month}
audits:
  - {assert: "loan_balance > 0 and quota >= 0"}
---*/
-- One row per active customer whose running loans reach the amount.
with loans as (
    select customer_id, cast(sum(balance) as decimal(18,2)) as balance
    from stg_loans
    where status = 'running'
    group by customer_id
),

visits as (
    select customer_id, count(*) as visits
    from stg_contacts
    where
        channel = 'visit'
        and coalesce(result, '') <> 'not_reached'
        and contacted_on >= date_trunc('month', $bd)
        and contacted_on <= $bd
    group by customer_id
),

quotas as (
    select
        customer.customer_id,
        customer.legal_entity_id,
        loans.balance,
        cast(param('visits.per_month', customer.legal_entity_id) as integer) as quota,
        cast(coalesce(visits.visits, 0) as integer) as visits
    from int_customers as customer
    inner join loans
        on loans.customer_id = customer.customer_id
        and loans.balance >= param('visits.min_loan_balance', customer.legal_entity_id)
    left join visits on visits.customer_id = customer.customer_id
)

select
    quotas.customer_id,
    strftime($bd, '%Y-%m') as month,
    decision.lead_branch_id,
    decision.lead_manager_id,
    quotas.balance as loan_balance,
    quotas.quota,
    quotas.visits,
    quotas.visits >= quotas.quota as is_met
from quotas
inner join int_lead_decisions as decision on decision.customer_id = quotas.customer_id
