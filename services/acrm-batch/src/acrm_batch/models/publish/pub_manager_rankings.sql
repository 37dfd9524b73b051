/*---
description: How managers stand among those of their branch and legal entity.
kind: publish
partition: as_of
key: [branch_id, manager_id, code]
audits:
  - {assert: "branch_rank <= branch_managers and entity_rank <= entity_managers"}
---*/
-- One row per branch, manager with customers and measure that he has a value of. Of a ratio of bad
-- loans the smallest stands first, of all others the largest. Virtual managers are not compared with
-- people, nor are those who have left their customers to others and are measured by what they had.
with measured as (
    select
        manager.branch_id,
        manager.manager_id,
        ranked.code,
        case ranked.code
            when 'DEP_BAL' then cast(manager.dep_bal as decimal(18,4))
            when 'DEP_CHG_M' then cast(manager.dep_chg_m as decimal(18,4))
            when 'AUM_CHG_M' then cast(manager.aum_chg_m as decimal(18,4))
            when 'LOAN_BAL' then cast(manager.loan_bal as decimal(18,4))
            when 'LOAN_CHG_M' then cast(manager.loan_chg_m as decimal(18,4))
            when 'LOAN_NPL_RATIO' then cast(manager.loan_npl_ratio as decimal(18,4))
            when 'CONTRIB' then cast(manager.contrib as decimal(18,4))
            when 'CUST_NET_M' then cast(manager.cust_net_m as decimal(18,4))
            when 'SERVICE_MET_RATE' then cast(manager.service_met_rate as decimal(18,4))
            when 'VISIT_QUOTA_MET_CNT' then cast(manager.visit_quota_met_cnt as decimal(18,4))
        end as value
    from mart_managers as manager
    cross join (
        values ('DEP_BAL'), ('DEP_CHG_M'), ('AUM_CHG_M'), ('LOAN_BAL'), ('LOAN_CHG_M'),
        ('LOAN_NPL_RATIO'), ('CONTRIB'), ('CUST_NET_M'), ('SERVICE_MET_RATE'),
        ('VISIT_QUOTA_MET_CNT')
    ) as ranked (code)
    where manager.manager_id <> 'V:' || manager.branch_id
),

in_charge as (
    select distinct branch_id, manager_id from int_place_managers
),

placed as (
    select
        measured.*,
        unit.legal_entity_id,
        case code when 'LOAN_NPL_RATIO' then -value else value end as worth
    from measured
    inner join int_org_units as unit on unit.org_id = measured.branch_id
    inner join in_charge
        on in_charge.branch_id = measured.branch_id and in_charge.manager_id = measured.manager_id
    where measured.value is not null
)

select
    branch_id,
    manager_id,
    code,
    value,
    cast(rank() over (partition by code, branch_id order by worth desc) as integer)
        as branch_rank,
    cast(count(*) over (partition by code, branch_id) as integer) as branch_managers,
    cast(rank() over (partition by code, legal_entity_id order by worth desc) as integer)
        as entity_rank,
    cast(count(*) over (partition by code, legal_entity_id) as integer) as entity_managers
from placed
