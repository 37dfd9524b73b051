/*---
description: How managers stand among those of their branch and legal entity.
kind: publish
partition: as_of
key: [branch_id, manager_id, code]
---*/
-- One row per branch, manager with customers and measure. Virtual managers are not compared with people,
-- nor are those who have left their customers to others and are measured by what they had.
with measured as (
    select branch_id, manager_id, 'DEP_CHG_M' as code, cast(dep_chg_m as decimal(18,2)) as value
    from mart_managers
    union all
    select branch_id, manager_id, 'LOAN_BAL', cast(loan_bal as decimal(18,2)) from mart_managers
    union all
    select branch_id, manager_id, 'LOAN_CHG_M', cast(loan_chg_m as decimal(18,2)) from mart_managers
    union all
    select branch_id, manager_id, 'VISIT_QUOTA_MET_CNT', cast(visit_quota_met_cnt as decimal(18,2))
    from mart_managers
),

in_charge as (
    select distinct branch_id, manager_id from int_place_managers
),

placed as (
    select measured.*, unit.legal_entity_id
    from measured
    inner join int_org_units as unit on unit.org_id = measured.branch_id
    inner join in_charge
        on in_charge.branch_id = measured.branch_id and in_charge.manager_id = measured.manager_id
    where measured.manager_id <> 'V:' || measured.branch_id
)

select
    branch_id,
    manager_id,
    code,
    value,
    cast(rank() over (partition by code, branch_id order by value desc) as integer)
        as branch_rank,
    cast(count(*) over (partition by code, branch_id) as integer) as branch_managers,
    cast(rank() over (partition by code, legal_entity_id order by value desc) as integer)
        as entity_rank,
    cast(count(*) over (partition by code, legal_entity_id) as integer) as entity_managers
from placed
