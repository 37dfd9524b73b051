/*---
description: How branches stand among those of their legal entity and of the union.
kind: publish
partition: as_of
key: [branch_id, code]
audits:
  - {assert: "entity_rank <= entity_branches and union_rank <= union_branches"}
---*/
-- One row per open branch and measure that it has a value of. Of a ratio of bad loans the smallest
-- stands first, of all others the largest.
with measured as (
    select org_id as branch_id, 'DEP_BAL' as code, cast(dep_bal as decimal(18,4)) as value
    from mart_organisations
    where org_type = 'branch'
    union all
    select org_id, 'DEP_CHG_M', cast(dep_chg_m as decimal(18,4))
    from mart_organisations
    where org_type = 'branch'
    union all
    select org_id, 'AUM_CHG_M', cast(aum_chg_m as decimal(18,4))
    from mart_organisations
    where org_type = 'branch'
    union all
    select org_id, 'LOAN_BAL', cast(loan_bal as decimal(18,4))
    from mart_organisations
    where org_type = 'branch'
    union all
    select org_id, 'LOAN_CHG_M', cast(loan_chg_m as decimal(18,4))
    from mart_organisations
    where org_type = 'branch'
    union all
    select org_id, 'LOAN_NPL_RATIO', cast(loan_npl_ratio as decimal(18,4))
    from mart_organisations
    where org_type = 'branch'
    union all
    select org_id, 'CONTRIB', cast(contrib as decimal(18,4))
    from mart_organisations
    where org_type = 'branch'
    union all
    select org_id, 'CUST_NET_M', cast(cust_net_m as decimal(18,4))
    from mart_organisations
    where org_type = 'branch'
    union all
    select org_id, 'SERVICE_MET_RATE', cast(service_met_rate as decimal(18,4))
    from mart_organisations
    where org_type = 'branch'
),

placed as (
    select
        measured.*,
        unit.legal_entity_id,
        case code when 'LOAN_NPL_RATIO' then -value else value end as worth
    from measured
    inner join int_org_units as unit on unit.org_id = measured.branch_id
    where measured.value is not null
)

select
    branch_id,
    code,
    value,
    cast(rank() over (partition by code, legal_entity_id order by worth desc) as integer)
        as entity_rank,
    cast(count(*) over (partition by code, legal_entity_id) as integer) as entity_branches,
    cast(rank() over (partition by code order by worth desc) as integer) as union_rank,
    cast(count(*) over (partition by code) as integer) as union_branches
from placed
