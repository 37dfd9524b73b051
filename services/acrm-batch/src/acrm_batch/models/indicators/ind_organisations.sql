/*---
description: Indicators of branches, legal entities and the union.
kind: indicator
partition: as_of
key: [org_id]
---*/
-- One row per open organisation unit. A unit is made of its branches.
with members as (
    select org_id, org_id as branch_id from int_org_units where org_type = 'branch'
    union all
    select legal_entity_id, org_id from int_org_units where org_type = 'branch'
    union all
    select top.org_id, branch.org_id
    from int_org_units as top
    cross join int_org_units as branch
    where top.org_type = 'union' and branch.org_type = 'branch'
),

deposits as (
    select
        members.org_id,
        sum(deposit.dep_bal) as dep_bal,
        count(distinct deposit.customer_id) filter (where deposit.dep_acct_cnt > 0) as dep_cust_cnt
    from members
    inner join ind_deposits_branch as deposit on deposit.branch_id = members.branch_id
    group by members.org_id
),

loans as (
    select members.org_id, sum(loan.loan_bal) as loan_bal
    from members
    inner join ind_loans_branch as loan on loan.branch_id = members.branch_id
    group by members.org_id
),

turnover as (
    select
        members.org_id,
        sum(ledger.year_in) as flow_in_amt_y,
        sum(ledger.year_out) as flow_out_amt_y
    from members
    inner join int_branch_ledger as ledger on ledger.branch_id = members.branch_id
    group by members.org_id
),

covered as (
    select
        members.org_id,
        count(distinct coverage.customer_id) filter (where coverage.role = 'lead') as cov_lead_cnt,
        count(distinct coverage.customer_id) filter (where coverage.role = 'assist')
            as cov_assist_cnt
    from members
    inner join int_coverage as coverage on coverage.branch_id = members.branch_id
    group by members.org_id
)

select
    unit.org_id,
    cast(coalesce(deposits.dep_bal, 0) as decimal(18,2)) as dep_bal,
    cast(coalesce(loans.loan_bal, 0) as decimal(18,2)) as loan_bal,
    cast(coalesce(turnover.flow_in_amt_y, 0) as decimal(18,2)) as flow_in_amt_y,
    cast(coalesce(turnover.flow_out_amt_y, 0) as decimal(18,2)) as flow_out_amt_y,
    coalesce(deposits.dep_cust_cnt, 0) as dep_cust_cnt,
    coalesce(covered.cov_lead_cnt, 0) as cov_lead_cnt,
    coalesce(covered.cov_assist_cnt, 0) as cov_assist_cnt
from int_org_units as unit
left join deposits on deposits.org_id = unit.org_id
left join loans on loans.org_id = unit.org_id
left join turnover on turnover.org_id = unit.org_id
left join covered on covered.org_id = unit.org_id
