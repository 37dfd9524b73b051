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
    select
        unit.org_id as branch_id,
        ranked.code,
        case ranked.code
            when 'DEP_BAL' then cast(unit.dep_bal as decimal(18,4))
            when 'DEP_CHG_M' then cast(unit.dep_chg_m as decimal(18,4))
            when 'AUM_CHG_M' then cast(unit.aum_chg_m as decimal(18,4))
            when 'LOAN_BAL' then cast(unit.loan_bal as decimal(18,4))
            when 'LOAN_CHG_M' then cast(unit.loan_chg_m as decimal(18,4))
            when 'LOAN_NPL_RATIO' then cast(unit.loan_npl_ratio as decimal(18,4))
            when 'CONTRIB' then cast(unit.contrib as decimal(18,4))
            when 'CUST_NET_M' then cast(unit.cust_net_m as decimal(18,4))
            when 'SERVICE_MET_RATE' then cast(unit.service_met_rate as decimal(18,4))
        end as value
    from mart_organisations as unit
    cross join (
        values ('DEP_BAL'), ('DEP_CHG_M'), ('AUM_CHG_M'), ('LOAN_BAL'), ('LOAN_CHG_M'),
        ('LOAN_NPL_RATIO'), ('CONTRIB'), ('CUST_NET_M'), ('SERVICE_MET_RATE')
    ) as ranked (code)
    where unit.org_type = 'branch'
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
